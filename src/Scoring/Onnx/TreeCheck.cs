using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Onnx.Format;

namespace FeatureStore.Scoring.Onnx;

/// <summary>The trees of TreeEnsembleClassifier and TreeEnsembleRegressor: each a tree indeed, of bounded depth, listed root first.</summary>
internal static class TreeCheck
{
    private const string Leaf = "LEAF";

    public static void Check(OnnxNode node, ModelLimits limits)
    {
        var trees = Ints(node, "nodes_treeids");
        var ids = Ints(node, "nodes_nodeids");
        var yes = Ints(node, "nodes_truenodeids");
        var no = Ints(node, "nodes_falsenodeids");
        var modes = node.Attribute.FirstOrDefault(a => a.Name == "nodes_modes")?.Strings.Select(s => s.ToStringUtf8()).ToArray() ?? [];
        var count = trees.Count;
        if (count == 0 || ids.Count != count || yes.Count != count || no.Count != count || modes.Length != count)
        {
            throw Bad(node, "its lists of nodes are empty or of different lengths");
        }

        if (count > limits.TreeNodesMax)
        {
            throw Bad(node, $"it has {count:N0} nodes, at most {limits.TreeNodesMax:N0}");
        }

        var seen = new HashSet<long>();
        for (var start = 0; start < count;)
        {
            var end = start + 1;
            while (end < count && trees[end] == trees[start])
            {
                end++;
            }

            if (!seen.Add(trees[start]) || seen.Count > limits.TreesMax)
            {
                throw Bad(node, $"tree {trees[start]} is listed in pieces, or there are more than {limits.TreesMax:N0} trees");
            }

            CheckTree(node, trees[start], Positions(node, ids, start, end), yes, no, modes, start, limits.TreeDepthMax);
            start = end;
        }
    }

    private static Dictionary<long, int> Positions(OnnxNode node, IReadOnlyList<long> ids, int start, int end)
    {
        var positions = new Dictionary<long, int>(end - start);
        for (var i = start; i < end; i++)
        {
            if (!positions.TryAdd(ids[i], i))
            {
                throw Bad(node, $"node {ids[i]} is listed twice in a tree");
            }
        }

        return positions;
    }

    private static void CheckTree(
        OnnxNode node, long tree, Dictionary<long, int> positions, IReadOnlyList<long> yes, IReadOnlyList<long> no, string[] modes, int root, int depthMax)
    {
        var visited = new HashSet<int> { root };
        var open = new Stack<(int Position, int Depth)>([(root, 0)]);
        while (open.TryPop(out var at))
        {
            if (at.Depth > depthMax)
            {
                throw Bad(node, $"tree {tree} is deeper than {depthMax:N0} splits");
            }

            if (modes[at.Position] == Leaf)
            {
                continue;
            }

            foreach (var child in new[] { yes[at.Position], no[at.Position] })
            {
                if (!positions.TryGetValue(child, out var position))
                {
                    throw Bad(node, $"tree {tree} points to a node {child} that it does not have");
                }

                if (!visited.Add(position))
                {
                    throw Bad(node, $"node {child} of tree {tree} has two parents, or is its own");
                }

                open.Push((position, at.Depth + 1));
            }
        }
    }

    private static IReadOnlyList<long> Ints(OnnxNode node, string name) => node.Attribute.FirstOrDefault(a => a.Name == name)?.Ints ?? [];

    private static ModelRefusedException Bad(OnnxNode node, string why) => new($"The {node.OpType} '{node.Name}' is no forest of trees: {why}.");
}
