using System.Text.Json;
using FeatureStore.Scoring.Runtime;

namespace FeatureStore.Scoring.Tests.Cases;

/// <summary>Recorded batches in the form that a model wants them.</summary>
internal static class Batches
{
    /// <summary>A declared length; −1 for a free one, which is written as null, as a name or as −1.</summary>
    public static long Dimension(JsonElement declared) => declared.ValueKind == JsonValueKind.Number ? declared.GetInt64() : -1;

    /// <summary>The recorded matrix under the importer's input name and in its element type.</summary>
    public static Tensor Features(IModelSession model, Tensor matrix)
    {
        var port = Assert.Single(model.Signature.Inputs);
        return port.Type == TensorType.Double
            ? Tensor.Of(port.Name, matrix.Shape, Array.ConvertAll(matrix.Span<float>().ToArray(), v => (double)v))
            : Tensor.Of(port.Name, matrix.Shape, matrix.Span<float>().ToArray());
    }

    /// <summary>Runs a model of floats that takes one row a run; outputs are put together again.</summary>
    public static Tensor[] RunRowByRow(IModelSession model, Tensor[] inputs, string[] outputs)
    {
        var rows = Enumerable.Range(0, (int)inputs[0].Rows).Select(r => model.Run(Array.ConvertAll(inputs, i => Row(i, r)), outputs)).ToArray();
        return [.. outputs.Select((name, o) => Tensor.Of(name, [rows.Length, .. rows[0][o].Shape.Skip(1)], rows.SelectMany(r => r[o].Span<float>().ToArray()).ToArray()))];
    }

    private static Tensor Row(Tensor tensor, int row)
    {
        var width = tensor.Span<float>().Length / (int)tensor.Rows;
        return Tensor.Of(tensor.Name, [1, .. tensor.Shape.Skip(1)], tensor.Span<float>().Slice(row * width, width).ToArray());
    }
}
