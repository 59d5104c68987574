using System.Text.Json.Serialization;

namespace FeatureStore.Scoring.Models;

/// <summary>The files that a model may come in.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ModelFormat>))]
public enum ModelFormat
{
    Onnx,
    XGBoostJson,
    XGBoostUbj,
    LightGbmText,
}

/// <summary>Formats by the ending of a file's name.</summary>
public static class ModelFormats
{
    /// <exception cref="ModelRefusedException">The ending is of no format that is read.</exception>
    public static ModelFormat Of(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".onnx" => ModelFormat.Onnx,
        ".json" => ModelFormat.XGBoostJson,
        ".ubj" => ModelFormat.XGBoostUbj,
        ".txt" => ModelFormat.LightGbmText,
        var other => throw new ModelRefusedException(
            $"'{Path.GetFileName(path)}' ends in '{other}'; models are .onnx, XGBoost's .json or .ubj, or LightGBM's .txt. An ML.NET model is exported with ConvertToOnnx first."),
    };
}
