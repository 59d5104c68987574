using FeatureStore.Scoring.Import.Trees;
using FeatureStore.Scoring.Models;

namespace FeatureStore.Scoring.Import.LightGbm;

/// <summary>One tree of LightGBM: splits and leaves are numbered apart, and a child below zero is the leaf ~child.</summary>
internal static class LightGbmTree
{
    private const int CategoricalBit = 1;
    private const int DefaultLeftBit = 2;
    private const int MissingTypeShift = 2;
    private const int MissingTypeMask = 3;
    private const int MissingNone = 0;
    private const int MissingNaN = 2;

    public static ForestTree Read(LightGbmSection tree, int group)
    {
        var leaves = tree.Doubles("leaf_value");
        var splits = leaves.Length - 1;
        if (leaves.Length == 0 || leaves.Length != tree.Int("num_leaves") || (tree.Has("is_linear") && tree.Int("is_linear") != 0))
        {
            throw new ModelRefusedException("A tree of the LightGBM file has linear leaves, which are not imported, or other leaves than it says.");
        }

        if (splits == 0)
        {
            return new ForestTree(group, [-1], [-1], [0], leaves, [false]);
        }

        var (features, thresholds, types) = (tree.Ints("split_feature"), tree.Doubles("threshold"), tree.Ints("decision_type"));
        var (left, right) = (tree.Ints("left_child"), tree.Ints("right_child"));
        if (features.Length != splits || thresholds.Length != splits || types.Length != splits || left.Length != splits || right.Length != splits)
        {
            throw new ModelRefusedException("A tree of the LightGBM file has lists of different lengths; it is damaged.");
        }

        // Node numbers: the splits first, then the leaves.
        int Node(int child) => child >= 0 ? child : splits + ~child;
        var none = Enumerable.Repeat(-1, leaves.Length).ToArray();
        return new ForestTree(
            group,
            [.. left.Select(Node), .. none],
            [.. right.Select(Node), .. none],
            [.. features, .. new int[leaves.Length]],
            [.. thresholds, .. leaves],
            [.. types.Zip(thresholds, MissingLeft), .. new bool[leaves.Length]]);
    }

    /// <summary>Where a NaN goes: to the side that was learned, or, where training saw none, to the side of zero.</summary>
    private static bool MissingLeft(int type, double threshold)
    {
        if ((type & CategoricalBit) != 0)
        {
            throw new ModelRefusedException("The LightGBM model splits on categories; that is not imported. Encode categories as numbers before training.");
        }

        return ((type >> MissingTypeShift) & MissingTypeMask) switch
        {
            MissingNone => threshold >= 0,
            MissingNaN => (type & DefaultLeftBit) != 0,
            _ => throw new ModelRefusedException("The LightGBM model treats zero as missing (zero_as_missing); that is not imported."),
        };
    }
}
