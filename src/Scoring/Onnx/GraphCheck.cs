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
