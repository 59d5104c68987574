using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using FeatureStore.OfflineStore.PointInTime;

namespace FeatureStore.OfflineStore.DataSets;

/// <summary>The command that made a data set, as far as it decides a byte of it.</summary>
/// <param name="LabelsSha256">Of the file of labels; null for a query.</param>
/// <param name="KnownTime"><c>commit</c> or <c>event</c>.</param>
/// <param name="WindowAt"><c>snapshot</c> or <c>label</c>.</param>
public sealed record DataSetQuery(
    string? Labels,
    string? LabelsSha256,
    string? LabelsSql,
    string TimeColumn,
    IReadOnlyList<string> Features,
    string? FeatureService,
    bool FullFeatureNames,
    string Policy,
    string KnownTime,
    double AvailableAfterSeconds,
    string WindowAt);

/// <summary>A file of a data set.</summary>
/// <param name="Path">Relative to the manifest's folder.</param>
public sealed record DataSetFile(string Path, long Rows, long Bytes, string Sha256);

/// <summary>What stands in a column. Numbers have bounds and a mean, times and texts bounds.</summary>
/// <param name="From"><c>label</c>, or <c>view:feature</c>.</param>
/// <param name="Min">As text, in SQL's order; NaN is the greatest number.</param>
/// <param name="Mean">Of the finite numbers, added in the order of the rows.</param>
public sealed record DataSetColumn(string Name, string Type, string From, long Nulls, double NullRate, string? Min, string? Max, double? Mean);

/// <summary>Everything that tells how a data set came to be. No clock and no machine is in it: the same command on the same lake gives the same text.</summary>
/// <param name="Definitions">SHA-256 of the definitions of the views, as far as they decide a value.</param>
/// <param name="Serving">The fingerprint that a model trained on the service is checked by; null without a service.</param>
/// <param name="NaiveTimes">Labels whose time named no zone, and counts as UTC.</param>
/// <param name="Sha256">Of the data: the file's, or that of the files' hashes in order.</param>
public sealed record DataSetManifest(
    string Format,
    string Project,
    string Engine,
    string Definitions,
    string? Serving,
    DataSetQuery Query,
    IReadOnlyList<TableVersion> Tables,
    long Rows,
    long NaiveTimes,
    string Sha256,
    IReadOnlyList<DataSetFile> Files,
    IReadOnlyList<DataSetColumn> Columns,
    LeakageReport Leakage)
{
    public const string FormatName = "fstore.dataset/1";

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = false,
    };

    public string ToJson() => JsonSerializer.Serialize(this, Json) + "\n";

    /// <exception cref="LabelException">The file is no manifest.</exception>
    public static DataSetManifest Read(string path)
    {
        try
        {
            var manifest = JsonSerializer.Deserialize<DataSetManifest>(File.ReadAllBytes(path), Json);
            return manifest is { Format: FormatName, Query: not null, Tables: not null, Files: not null, Columns: not null }
                ? manifest
                : throw new LabelException($"{path} is no manifest of a data set (format '{manifest?.Format}', and '{FormatName}' is known). Name one that get-historical-features wrote.");
        }
        catch (JsonException e)
        {
            throw new LabelException($"{path} is no manifest of a data set: {e.Message} Export the data set again.", e);
        }
    }
}
