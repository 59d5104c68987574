using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Onnx.Format;

namespace FeatureStore.Scoring.Onnx;

/// <summary>
/// Refuses what ONNX Runtime would not survive or could not bound. It checks indices and lengths itself by now; it does not bound the depth of a tree (its recursion ends the process),
/// nor how long a loop runs, nor what a tensor claims before it reads it.
/// </summary>
internal static class GraphCheck
{
    // Packed types (4 bits and less) hold several elements in a byte.
    private const int ElementsPerByteMax = 4;

    public static void Check(OnnxGraph graph, ModelLimits limits)
    {
        var nodes = 0;
        foreach (var (inner, depth) in GraphWalk.Graphs(graph))
        {
            nodes += inner.Node.Count;
            if (depth > limits.GraphDepthMax || nodes > limits.GraphNodesMax)
            {
                throw new ModelRefusedException($"The model has more than {limits.GraphNodesMax:N0} nodes, or graphs more than {limits.GraphDepthMax} deep in each other.");
            }

            foreach (var node in inner.Node)
            {
                CheckNode(node, limits);
                CheckFeatures(node, inner);
            }
        }

        foreach (var tensor in GraphWalk.Tensors(graph))
        {
            CheckTensor(tensor);
        }
    }

    private static void CheckNode(OnnxNode node, ModelLimits limits)
    {
        switch (node.OpType)
        {
            case "Loop":
                throw new ModelRefusedException($"Node '{node.Name}' is a Loop; how long it runs cannot be bounded, and a model of features needs none.");
            case "TreeEnsembleClassifier" or "TreeEnsembleRegressor":
                TreeCheck.Check(node, limits);
                break;
            case "TreeEnsemble":
                FlatTreeCheck.Check(node, limits);
                break;
        }
    }

    /// <summary>A split on a feature beyond the row is found by the library only when it runs; where the width is declared it shows here.</summary>
    private static void CheckFeatures(OnnxNode node, OnnxGraph graph)
    {
        var features = node.OpType.StartsWith("TreeEnsemble", StringComparison.Ordinal) ? node.Attribute.FirstOrDefault(a => a.Name == "nodes_featureids")?.Ints : null;
        if (features is null || node.Input.Count == 0)
        {
            return;
        }

        var shape = graph.Input.FirstOrDefault(i => i.Name == node.Input[0])?.Type?.TensorType?.Shape?.Dim;
        var width = shape is { Count: 2 } && shape[1].DimValue > 0 ? shape[1].DimValue : int.MaxValue;
        var modes = node.Attribute.FirstOrDefault(a => a.Name == "nodes_modes")?.Strings ?? [];
        for (var i = 0; i < features.Count; i++)
        {
            // What stands there for a leaf means nothing.
            var isLeaf = i < modes.Count && modes[i].Span.SequenceEqual("LEAF"u8);
            if (!isLeaf && (features[i] < 0 || features[i] >= width))
            {
                throw new ModelRefusedException($"The {node.OpType} '{node.Name}' splits on feature {features[i]}, and a row has {width}.");
            }
        }
    }

    private static void CheckTensor(OnnxTensor tensor)
    {
        var count = 1L;
        foreach (var length in tensor.Dims)
        {
            if (length < 0 || (length > 0 && count > long.MaxValue / length))
            {
                throw new ModelRefusedException($"Tensor '{tensor.Name}' has the impossible shape [{string.Join(',', tensor.Dims)}].");
            }

            count *= length;
        }

        var held = ((tensor.RawData.Length + (long)tensor.Int32Data.Count) * ElementsPerByteMax) + tensor.FloatData.Count + tensor.DoubleData.Count
            + tensor.Int64Data.Count + tensor.Uint64Data.Count + tensor.StringData.Count;
        if (count > held)
        {
            throw new ModelRefusedException($"Tensor '{tensor.Name}' claims {count:N0} values and holds fewer.");
        }
    }
}
