using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Onnx.Format;
using Google.Protobuf;

namespace FeatureStore.Scoring.Onnx;

/// <summary>A model that was checked, complete in its bytes: external data is inlined and a ZipMap at an output is cut off.</summary>
/// <param name="Classes">Column names of the outputs whose ZipMap was cut off.</param>
internal sealed record PreparedModel(byte[] Bytes, IReadOnlyDictionary<string, IReadOnlyList<string>> Classes, string Producer);

/// <summary>Reads an ONNX file and decides whether the native library may see it.</summary>
internal static class OnnxFile
{
    /// <param name="folder">Where external data may lie; null refuses it.</param>
    /// <exception cref="ModelRefusedException">The bytes are no ONNX model, or one that may harm or mislead.</exception>
    public static PreparedModel Prepare(byte[] bytes, string? folder, ModelLimits limits)
    {
        var (model, changed) = Read(bytes, folder, limits);
        GraphCheck.Check(model.Graph, limits);
        var classes = ZipMapCut.Apply(model);
        return new PreparedModel(changed || classes.Count > 0 ? model.ToByteArray() : bytes, classes, model.ProducerName);
    }

    /// <summary>The model as one file: the same bytes, unless weights lie beside it.</summary>
    /// <exception cref="ModelRefusedException">The bytes are no ONNX model, or its external data cannot be taken in.</exception>
    public static byte[] AsOneFile(byte[] bytes, string folder, ModelLimits limits)
    {
        var (model, changed) = Read(bytes, folder, limits);
        return changed ? model.ToByteArray() : bytes;
    }

    private static (OnnxModelFile Model, bool Changed) Read(byte[] bytes, string? folder, ModelLimits limits)
    {
        if (bytes.Length > limits.FileBytesMax)
        {
            throw new ModelRefusedException($"The model file has {bytes.Length:N0} bytes; at most {limits.FileBytesMax:N0}.");
        }

        var model = Parse(bytes);
        return model.Functions.Count == 0
            ? (model, ExternalData.Inline(model.Graph, folder, limits.FileBytesMax - bytes.Length))
            : throw new ModelRefusedException("The model brings functions of its own; export it with them inlined.");
    }

    private static OnnxModelFile Parse(byte[] bytes)
    {
        OnnxModelFile model;
        try
        {
            model = OnnxModelFile.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new ModelRefusedException($"The file is no ONNX model ({What(bytes)}): {e.Message}", e);
        }

        return model.Graph is { Node.Count: > 0 } || model.Graph is { Output.Count: > 0 }
            ? model
            : throw new ModelRefusedException($"The file is no ONNX model ({What(bytes)}): it holds no graph.");
    }

    /// <summary>A guess at what was given instead, for the message.</summary>
    private static string What(byte[] bytes) => bytes switch
    {
        [] => "it is empty",
        [(byte)'P', (byte)'K', 3, 4, ..] => "it is a zip archive; an ML.NET model must be exported with ConvertToOnnx",
        [(byte)'{', ..] => "it begins like JSON; an XGBoost model is imported under the name .json or .ubj",
        _ => "damaged or of another format",
    };
}
