using System.Text.Json;
using System.Text.Json.Serialization;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Scores;

namespace FeatureStore.Scoring.Store;

/// <summary>One file of a model version.</summary>
/// <param name="Sha256">Lower-case hex.</param>
public sealed record ModelFile(string Name, long Bytes, string Sha256);

/// <summary>Everything that is known of one version of a model; <c>manifest.json</c> in its folder. Never changed after it was written.</summary>
/// <param name="Created">When it was added, UTC.</param>
/// <param name="SourceFormat">What was added; anything but ONNX was converted.</param>
/// <param name="SourceSha256">Hash of the file as it was given.</param>
/// <param name="Model">The ONNX file that is loaded.</param>
/// <param name="FeatureService">The service whose features it was trained on.</param>
/// <param name="Fingerprint">Fingerprint of their definitions at training; it loads only where the same is served.</param>
/// <param name="Inputs">For the reader: the inputs as the file declares them.</param>
/// <param name="Training">The manifest of its training, as it was given.</param>
/// <param name="Metrics">Name to value, as given.</param>
public sealed record ModelManifest(
    string Name,
    string Version,
    DateTimeOffset Created,
    ModelFormat SourceFormat,
    string SourceSha256,
    ModelFile Model,
    string FeatureService,
    string Fingerprint,
    ScoringPlan Plan,
    IReadOnlyList<string> Inputs,
    IReadOnlyList<string> Outputs,
    JsonElement? Training,
    IReadOnlyDictionary<string, double> Metrics)
{
    internal const string FileName = "manifest.json";

    private const int BytesMax = 4 << 20;

    private static readonly JsonSerializerOptions Format = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    internal byte[] ToBytes()
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(this, Format);
        return bytes.Length <= BytesMax ? bytes : throw new ModelStoreException($"The manifest of {Name} {Version} has {bytes.Length:N0} bytes; at most {BytesMax:N0}. Give a shorter training manifest.");
    }

    /// <exception cref="ModelRefusedException">The file is damaged.</exception>
    internal static ModelManifest Read(string path)
    {
        try
        {
            return new FileInfo(path).Length <= BytesMax && JsonSerializer.Deserialize<ModelManifest>(File.ReadAllBytes(path), Format) is { } manifest
                ? manifest
                : throw new ModelRefusedException($"'{path}' is no manifest of a model.");
        }
        catch (JsonException e)
        {
            throw new ModelRefusedException($"'{path}' is damaged: {e.Message} Add the model again under a new version.", e);
        }
    }
}

/// <summary>A model to be added.</summary>
public sealed record ModelSubmission(string Name, string Path, string FeatureService, string Fingerprint)
{
    /// <summary>Null takes the next whole number.</summary>
    public string? Version { get; init; }

    public ScoringPlan Plan { get; init; } = new();

    /// <summary>What the feature service serves, in its order: the model may need no other, and a vector without names takes them in this order. Empty where that is not known.</summary>
    public IReadOnlyList<string> ServedFeatures { get; init; } = [];

    public JsonElement? Training { get; init; }

    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();

    /// <summary>Files to keep in the version's folder for people to read, by plain name.</summary>
    public IReadOnlyDictionary<string, byte[]> Attachments { get; init; } = new Dictionary<string, byte[]>();
}

/// <summary>One line of the list.</summary>
public sealed record ModelListing(ModelManifest Manifest, bool IsLive);
