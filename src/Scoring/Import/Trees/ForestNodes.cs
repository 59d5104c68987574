using FeatureStore.Scoring.Models;

namespace FeatureStore.Scoring.Import.Trees;

/// <summary>The columns of a tree ensemble as ONNX lists them, one entry a node. Only nodes that the root reaches are listed, under new numbers; a pruned tree keeps dead ones.</summary>
internal sealed class ForestNodes
{
    private readonly ModelLimits _limits;
    private readonly int _featureCount;

    public ForestNodes(Forest forest, ModelLimits limits)
    {
        _limits = limits;
        _featureCount = forest.FeatureCount;

        // A library that starts its sum at the base score adds the trees in order after it: a leaf of its own, listed first, gives the same roundings.
        for (var group = 0; group < forest.Groups; group++)
        {
            if (forest.Start[group] != 0)
            {
                AddTree(new ForestTree(group, [-1], [-1], [0], [forest.Start[group]], [false]));
            }
        }

        foreach (var tree in forest.Trees)
        {
            AddTree(tree);
        }
    }

    public List<long> Trees { get; } = [];

    public List<long> Ids { get; } = [];

    public List<bool> IsLeaf { get; } = [];

    public List<long> Features { get; } = [];

    public List<double> Thresholds { get; } = [];

    public List<long> Left { get; } = [];

    public List<long> Right { get; } = [];

    public List<long> MissingLeft { get; } = [];

    public List<long> LeafTrees { get; } = [];

    public List<long> LeafIds { get; } = [];

    public List<long> LeafGroups { get; } = [];

    public List<double> LeafValues { get; } = [];

    private int TreeCount { get; set; }

    private void AddTree(ForestTree tree)
    {
        var number = TreeCount++;
        var first = Ids.Count;
        var visited = new HashSet<int> { 0 };
        var open = new Stack<(int Node, int Depth, int Parent, bool IsLeft)>([(0, 0, -1, false)]);
        while (open.TryPop(out var at))
        {
            var id = Ids.Count - first;
            if (at.Depth > _limits.TreeDepthMax || Ids.Count >= _limits.TreeNodesMax || TreeCount > _limits.TreesMax)
            {
                throw Bad(number, $"more than {_limits.TreesMax:N0} trees, {_limits.TreeNodesMax:N0} nodes or {_limits.TreeDepthMax:N0} splits from root to leaf");
            }

            if (at.Parent >= 0)
            {
                (at.IsLeft ? Left : Right)[first + at.Parent] = id;
            }

            AddNode(tree, number, id, at.Node);
            if (tree.Left[at.Node] >= 0)
            {
                open.Push((Child(number, tree.Right[at.Node], tree, visited), at.Depth + 1, id, false));
                open.Push((Child(number, tree.Left[at.Node], tree, visited), at.Depth + 1, id, true));
            }
        }
    }

    private void AddNode(ForestTree tree, int number, int id, int node)
    {
        var isLeaf = tree.Left[node] < 0;
        var feature = isLeaf ? 0 : tree.Features[node];
        if (feature < 0 || feature >= _featureCount)
        {
            throw Bad(number, $"a split on feature {feature}, and there are {_featureCount}");
        }

        if (isLeaf ? !double.IsFinite(tree.Values[node]) : double.IsNaN(tree.Values[node]))
        {
            throw Bad(number, "a threshold or leaf that is no number");
        }

        Trees.Add(number);
        Ids.Add(id);
        IsLeaf.Add(isLeaf);
        Features.Add(feature);
        Thresholds.Add(isLeaf ? 0 : tree.Values[node]);
        Left.Add(0);
        Right.Add(0);
        MissingLeft.Add(!isLeaf && tree.MissingLeft[node] ? 1 : 0);
        if (isLeaf)
        {
            LeafTrees.Add(number);
            LeafIds.Add(id);
            LeafGroups.Add(tree.Group);
            LeafValues.Add(tree.Values[node]);
        }
    }

    private static int Child(int number, int child, ForestTree tree, HashSet<int> visited)
    {
        if (child < 0 || child >= tree.Left.Length)
        {
            throw Bad(number, $"a child {child}, and there are {tree.Left.Length} nodes");
        }

        return visited.Add(child) ? child : throw Bad(number, $"node {child} under two parents, or under itself");
    }

    private static ModelRefusedException Bad(int number, string what) => new($"Tree {number} of the model has {what}.");
}
