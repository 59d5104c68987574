using System.Security.Cryptography;
using FeatureStore.Scoring.Import;
using FeatureStore.Scoring.Onnx;
using FeatureStore.Scoring.Runtime;

namespace FeatureStore.Scoring.Models;

/// <summary>From a file to a model that can be run, or a refusal.</summary>
public static class ModelLoader
{
    /// <param name="path">A file of any format of <see cref="ModelFormats"/>.</param>
    /// <param name="sha256">The hash that was recorded when the file was taken in, in hex; null for a file seen for the first time.</param>
    /// <exception cref="ModelRefusedException">The file is missing, changed, too large, damaged, hostile or of a kind that is not supported.</exception>
    public static IModelSession Load(string path, string? sha256 = null, ModelLimits? limits = null)
    {
        limits ??= ModelLimits.Default;
        var format = ModelFormats.Of(path);
        var file = Read(path, limits);
        if (sha256 is not null && !string.Equals(sha256, Hash(file), StringComparison.OrdinalIgnoreCase))
        {
            throw new ModelRefusedException($"'{Path.GetFileName(path)}' has the SHA-256 {Hash(file)}, and {sha256} was recorded; the file was changed or damaged. Add the model again.");
        }

        var folder = format == ModelFormat.Onnx ? Path.GetDirectoryName(Path.GetFullPath(path)) : null;
        return Load(ModelImporter.ToOnnx(file, format, limits), folder, limits);
    }

    /// <summary>Loads the bytes of an ONNX model.</summary>
    /// <param name="folder">Where its external data lies; null refuses it.</param>
    public static IModelSession Load(byte[] onnx, string? folder, ModelLimits limits)
    {
        var prepared = OnnxFile.Prepare(onnx, folder, limits);
        return OrtModelSession.Load(prepared.Bytes, limits, prepared.Classes, prepared.Producer);
    }

    /// <summary>SHA-256 as lower-case hex.</summary>
    public static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    internal static byte[] Read(string path, ModelLimits limits)
    {
        var info = new FileInfo(path);
        if (!info.Exists || info.Length > limits.FileBytesMax)
        {
            throw new ModelRefusedException(info.Exists
                ? $"'{info.Name}' has {info.Length:N0} bytes; at most {limits.FileBytesMax:N0}."
                : $"There is no file '{path}'.");
        }

        return File.ReadAllBytes(path);
    }
}
