using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Onnx.Format;
using Google.Protobuf.Collections;

namespace FeatureStore.Scoring.Onnx;

/// <summary>The trees of TreeEnsemble (ai.onnx.ml 5), which keeps inner nodes and leaves in lists of their own.</summary>
internal static class FlatTreeCheck
{
    public static void Check(OnnxNode node, ModelLimits limits)
    {
        var roots = Ints(node, "tree_roots");
        var yes = Ints(node, "nodes_truenodeids");
        var no = Ints(node, "nodes_falsenodeids");
        var yesLeaf = Ints(node, "nodes_trueleafs");
        var noLeaf = Ints(node, "nodes_falseleafs");
        if (yes.Count != no.Count || yes.Count != yesLeaf.Count || yes.Count != noLeaf.Count || yes.Count > limits.TreeNodesMax || roots.Count is 0 || roots.Count > limits.TreesMax)
        {
            throw Bad(node, "its lists of nodes are of different lengths, empty or too long");
        }

        var visited = new HashSet<long>();
        foreach (var root in roots)
        {
            var open = new Stack<(long Node, int Depth)>([(root, 0)]);
            while (open.TryPop(out var at))
            {
                if (at.Node < 0 || at.Node >= yes.Count || !visited.Add(at.Node) || at.Depth > limits.TreeDepthMax)
                {
                    throw Bad(node, $"node {at.Node} does not exist, has two parents, or lies deeper than {limits.TreeDepthMax:N0} splits");
                }

                var i = (int)at.Node;
                if (yesLeaf[i] == 0)
                {
                    open.Push((yes[i], at.Depth + 1));
                }

                if (noLeaf[i] == 0)
                {
                    open.Push((no[i], at.Depth + 1));
                }
            }
        }
    }

    private static RepeatedField<long> Ints(OnnxNode node, string name) => node.Attribute.FirstOrDefault(a => a.Name == name)?.Ints ?? [];

    private static ModelRefusedException Bad(OnnxNode node, string why) => new($"The TreeEnsemble '{node.Name}' is no forest of trees: {why}.");
}
