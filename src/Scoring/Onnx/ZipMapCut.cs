using System.Globalization;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Onnx.Format;

namespace FeatureStore.Scoring.Onnx;

/// <summary>
/// A ZipMap wraps each row of the probabilities into a map by class. Its input is the plain tensor, which is twenty times cheaper to read for a hundred rows; the class names are kept beside it.
/// </summary>
internal static class ZipMapCut
{
    private const string OpType = "ZipMap";
    private const int OpsetWithIdentity = 13;

    /// <returns>The class names by output.</returns>
    /// <exception cref="ModelRefusedException">A map is used inside the graph, or its classes are not named.</exception>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Apply(OnnxModelFile model)
    {
        var classes = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var node in model.Graph.Node.Where(n => n.OpType == OpType))
        {
            var output = node.Output.Count == 1 && node.Input.Count == 1 ? model.Graph.Output.FirstOrDefault(o => o.Name == node.Output[0]) : null;
            if (output is null || model.Graph.Node.Any(n => n.Input.Contains(output.Name)))
            {
                throw new ModelRefusedException($"The ZipMap '{node.Name}' does not end in an output of its own; export the model with zipmap off.");
            }

            classes[output.Name] = Names(node);
            node.OpType = "Identity";
            node.ClearDomain();
            node.Attribute.Clear();
            output.Type = new OnnxType { TensorType = new OnnxTensorType { ElemType = (int)Runtime.TensorType.Float } };
        }

        if (classes.Count > 0 && !model.OpsetImport.Any(o => o.Domain is "" or "ai.onnx"))
        {
            model.OpsetImport.Add(new OnnxOpset { Domain = string.Empty, Version = OpsetWithIdentity });
        }

        return classes;
    }

    private static IReadOnlyList<string> Names(OnnxNode node)
    {
        var strings = node.Attribute.FirstOrDefault(a => a.Name == "classlabels_strings")?.Strings.Select(s => s.ToStringUtf8()).ToArray() ?? [];
        var numbers = node.Attribute.FirstOrDefault(a => a.Name == "classlabels_int64s")?.Ints.Select(i => i.ToString(CultureInfo.InvariantCulture)).ToArray() ?? [];
        return strings.Length > 0 && numbers.Length == 0 ? strings
            : numbers.Length > 0 && strings.Length == 0 ? numbers
            : throw new ModelRefusedException($"The ZipMap '{node.Name}' names its classes not at all or twice.");
    }
}
