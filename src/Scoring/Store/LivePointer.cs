using System.Text.Json;
using FeatureStore.Scoring.Models;

namespace FeatureStore.Scoring.Store;

/// <summary>Which version of a model is live, and which were before; <c>live.json</c> in the model's folder, replaced whole.</summary>
/// <param name="Before">Versions that were live, the last one last.</param>
internal sealed record LivePointer(string Version, IReadOnlyList<string> Before)
{
    public const string FileName = "live.json";

    private const int BeforeMax = 100;
    private const int BytesMax = 1 << 20;

    private static readonly JsonSerializerOptions Format = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    public static LivePointer? Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            return new FileInfo(path).Length <= BytesMax ? JsonSerializer.Deserialize<LivePointer>(File.ReadAllBytes(path), Format) : null;
        }
        catch (JsonException e)
        {
            throw new ModelRefusedException($"'{path}' is damaged: {e.Message} Promote a version again.", e);
        }
    }

    public void Write(string folder) => DurableFile.Replace(Path.Combine(folder, FileName), JsonSerializer.SerializeToUtf8Bytes(this, Format));

    public LivePointer Promote(string version) => version == Version ? this : new LivePointer(version, [.. Before.Append(Version).TakeLast(BeforeMax)]);

    /// <summary>The version before this one; null where there is none.</summary>
    public LivePointer? Back() => Before.Count == 0 ? null : new LivePointer(Before[^1], [.. Before.SkipLast(1)]);
}
