using FeatureStore.Scoring.Import.LightGbm;
using FeatureStore.Scoring.Import.Trees;
using FeatureStore.Scoring.Import.XGBoost;
using FeatureStore.Scoring.Models;

namespace FeatureStore.Scoring.Import;

/// <summary>Turns the tree libraries' own files into ONNX, so that one runtime scores them all. No code of those libraries runs: their loaders crash on hostile files.</summary>
public static class ModelImporter
{
    /// <returns>The bytes of an ONNX model; the same for the same file.</returns>
    /// <exception cref="ModelRefusedException">The file is damaged, hostile, of another version, or of a kind that is not imported.</exception>
    public static byte[] ToOnnx(byte[] file, ModelFormat format, ModelLimits limits)
    {
        if (file.Length > limits.FileBytesMax)
        {
            throw new ModelRefusedException($"The model file has {file.Length:N0} bytes; at most {limits.FileBytesMax:N0}.");
        }

        return format switch
        {
            ModelFormat.XGBoostJson => ForestWriter.Write(XgbModel.Read(XgbJson.Parse(file)), limits),
            ModelFormat.XGBoostUbj => ForestWriter.Write(XgbModel.Read(XgbUbj.Parse(file)), limits),
            ModelFormat.LightGbmText => ForestWriter.Write(LightGbmModel.Read(file), limits),
            _ => file,
        };
    }
}
