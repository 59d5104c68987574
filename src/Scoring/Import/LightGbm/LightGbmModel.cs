using System.Globalization;
using System.Text;
using FeatureStore.Scoring.Import.Trees;
using FeatureStore.Scoring.Models;

namespace FeatureStore.Scoring.Import.LightGbm;

/// <summary>Reads LightGBM's text models of version 3 and 4 (LightGBM 3 and 4). What it cannot answer exactly it refuses by name.</summary>
internal static class LightGbmModel
{
    private const int LinesMax = 5_000_000;
    private const int ClassesMax = 10_000;
    private const int FeaturesMax = 1_000_000;

    public static Forest Read(byte[] file)
    {
        var lines = Encoding.UTF8.GetString(file).Split('\n', LinesMax);
        if (lines[0].Trim() != "tree")
        {
            throw new ModelRefusedException("The file is no LightGBM text model: its first line is not 'tree'.");
        }

        var first = Array.FindIndex(lines, IsTreeStart);
        var header = LightGbmSection.Read(lines.AsSpan(0, first < 0 ? lines.Length : first), "header");
        if (header.Text("version") is var version && version is not ("v3" or "v4"))
        {
            throw new ModelRefusedException($"The LightGBM model is of version '{version}'; v3 and v4 are imported.");
        }

        if (header.Has("average_output"))
        {
            throw new ModelRefusedException("The LightGBM model averages its trees (boosting=rf); that is not imported. Train with boosting=gbdt, or export to ONNX with onnxmltools.");
        }

        var groups = Within(header.Int("num_tree_per_iteration"), 1, ClassesMax, "num_tree_per_iteration");
        var features = Within(header.Int("max_feature_idx"), 0, FeaturesMax, "max_feature_idx") + 1;
        var names = header.Text("feature_names").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (names.Length != features)
        {
            throw new ModelRefusedException($"The LightGBM model names {names.Length} features and has {features}.");
        }

        var (link, slope) = Link(header.Has("objective") ? header.Text("objective") : "custom");
        var trees = Trees(lines, first, groups);
        if (trees.Count % groups != 0 || trees.Count != header.Doubles("tree_sizes").Length)
        {
            throw new ModelRefusedException($"The LightGBM file holds {trees.Count} trees and says otherwise in 'tree_sizes'; it is cut or damaged.");
        }

        return new Forest($"LightGBM {version}", features, names, groups, new double[groups], trees, IsDouble: true, LeftIsStrictlyLess: false, link, slope);
    }

    private static bool IsTreeStart(string line) => line.StartsWith("Tree=", StringComparison.Ordinal);

    private static List<ForestTree> Trees(string[] lines, int first, int groups)
    {
        var trees = new List<ForestTree>();
        var end = Array.FindIndex(lines, l => l.Trim() == "end of trees");
        if (end < 0)
        {
            throw new ModelRefusedException("The LightGBM file has no 'end of trees'; it is cut.");
        }

        for (var start = first; start >= 0 && start < end;)
        {
            var next = Array.FindIndex(lines, start + 1, end - start - 1, IsTreeStart);
            next = next < 0 ? end : next;
            if (lines[start].Trim() != string.Create(CultureInfo.InvariantCulture, $"Tree={trees.Count}"))
            {
                throw new ModelRefusedException($"The LightGBM file has '{lines[start].Trim()}' where tree {trees.Count} should begin.");
            }

            var section = LightGbmSection.Read(lines.AsSpan((start + 1)..next), lines[start].Trim());
            trees.Add(LightGbmTree.Read(section, trees.Count % groups));
            start = next;
        }

        return trees;
    }

    /// <summary>The objective is a word and its parameters, for example <c>binary sigmoid:1</c>.</summary>
    private static (ForestLink Link, double Slope) Link(string objective)
    {
        var words = objective.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var sigmoid = words.FirstOrDefault(w => w.StartsWith("sigmoid:", StringComparison.Ordinal)) is { } word
            && double.TryParse(word["sigmoid:".Length..], NumberStyles.Float, CultureInfo.InvariantCulture, out var slope) ? slope : 1;
        return words switch
        {
            _ when words.Contains("sqrt") => throw Unknown(objective),
            ["binary" or "multiclassova" or "cross_entropy", ..] => (ForestLink.Logistic, sigmoid),
            ["multiclass", ..] => (ForestLink.Softmax, 1),
            ["poisson" or "gamma" or "tweedie", ..] => (ForestLink.Exponential, 1),
            ["regression" or "regression_l1" or "huber" or "fair" or "quantile" or "mape" or "lambdarank" or "rank_xendcg", ..] => (ForestLink.Identity, 1),
            _ => throw Unknown(objective),
        };
    }

    private static ModelRefusedException Unknown(string objective) =>
        new($"The LightGBM model's objective is '{objective}', which is not imported. Export the model to ONNX with onnxmltools instead.");

    private static int Within(int value, int min, int max, string name) =>
        value >= min && value <= max ? value : throw new ModelRefusedException($"The LightGBM model has '{name}' {value}; {min} to {max:N0} are imported.");
}
