using System.Globalization;
using FeatureStore.Scoring.Import.Trees;
using FeatureStore.Scoring.Models;

namespace FeatureStore.Scoring.Import.XGBoost;

/// <summary>Reads the tree models of XGBoost 1.7 to 3.2 out of their own files. What it cannot answer exactly it refuses by name.</summary>
internal static class XgbModel
{
    private const int ClassesMax = 10_000;
    private const int FeaturesMax = 1_000_000;

    private static readonly Version First = new(1, 7);
    private static readonly Version Last = new(3, 2);

    public static Forest Read(XgbValue.Map file)
    {
        var version = CheckVersion(file);
        var learner = file.Object("learner");
        var parameters = learner.Object("learner_model_param");
        var booster = learner.Object("gradient_booster");
        var kind = booster.String("name");
        if (kind != "gbtree")
        {
            throw new ModelRefusedException($"The XGBoost model's booster is '{kind}'; only 'gbtree' is imported. Export the model to ONNX with onnxmltools, or train with booster=gbtree.");
        }

        if (parameters.StringOrNone("num_target") is { } targets && targets is not ("0" or "1"))
        {
            throw new ModelRefusedException($"The XGBoost model has {targets} targets; only one is imported.");
        }

        var objective = XgbObjective.Named(learner.Object("objective").String("name"));
        var classes = Within(parameters.Int("num_class"), ClassesMax, "num_class");
        var groups = objective.IsMulticlass ? Math.Max(1, classes) : 1;
        var features = Within(parameters.Int("num_feature"), FeaturesMax, "num_feature");
        var names = learner.Length("feature_names") == 0 ? [] : learner.Items("feature_names").Select(n => n is XgbValue.Text text ? text.Value : string.Empty).ToArray();
        if (names.Length != 0 && names.Length != features)
        {
            throw new ModelRefusedException($"The XGBoost model names {names.Length} features and has {features}.");
        }

        var start = Start(parameters.String("base_score"), groups, objective);
        return new Forest($"XGBoost {version}", features, names, groups, start, Trees(booster.Object("model"), groups), IsDouble: false, LeftIsStrictlyLess: true, objective.Link);
    }

    private static Version CheckVersion(XgbValue.Map file)
    {
        var parts = file.Length("version") == 3 ? file.Ints("version") : [];
        var version = parts.Length == 3 && Array.TrueForAll(parts, p => p >= 0) ? new Version(parts[0], parts[1], parts[2]) : null;
        return version is not null && new Version(version.Major, version.Minor) is var release && release >= First && release <= Last
            ? version
            : throw new ModelRefusedException($"The file is {(version is null ? "no XGBoost model, or one without a version" : $"of XGBoost {version}")}; {First} to {Last} are imported.");
    }

    /// <summary>Before 3.1 one number; since then the text of a list, one number a class. It is a prediction, not a sum: a probability of 0.5 starts at 0.</summary>
    private static double[] Start(string text, int groups, XgbObjective objective)
    {
        var isList = text.StartsWith('[') && text.EndsWith(']');
        var parts = (isList ? text[1..^1] : text).Split(',');
        if (parts.Length != 1 && parts.Length != groups)
        {
            throw new ModelRefusedException($"The XGBoost model has {parts.Length} base scores and {groups} sums.");
        }

        var scores = Array.ConvertAll(parts, p => float.TryParse(p, NumberStyles.Float, CultureInfo.InvariantCulture, out var score) ? objective.Start(score) : double.NaN);
        return Array.TrueForAll(scores, double.IsFinite)
            ? [.. Enumerable.Range(0, groups).Select(g => scores[parts.Length == 1 ? 0 : g])]
            : throw new ModelRefusedException($"The base score '{text}' of the XGBoost model cannot be that of its objective.");
    }

    private static List<ForestTree> Trees(XgbValue.Map model, int groups)
    {
        if (model.ObjectOrNone("cats") is { } categories && categories.Length("enc") > 0)
        {
            throw Categorical();
        }

        var groupOf = model.Ints("tree_info");
        var trees = model.Items("trees");
        if (trees.Count != groupOf.Length || trees.Count != model.Object("gbtree_model_param").Int("num_trees"))
        {
            throw new ModelRefusedException($"The XGBoost file holds {trees.Count} trees and says otherwise in 'num_trees' or 'tree_info'; it is damaged.");
        }

        return [.. trees.Select((t, i) => t is XgbValue.Map map && groupOf[i] >= 0 && groupOf[i] < groups
            ? Tree(map, groupOf[i], i)
            : throw new ModelRefusedException($"Tree {i} of the XGBoost file is no object, or of a class that does not exist."))];
    }

    private static ForestTree Tree(XgbValue.Map tree, int group, int number)
    {
        var left = tree.Ints("left_children");
        var right = tree.Ints("right_children");
        var features = tree.Ints("split_indices");
        var values = tree.Floats("split_conditions");
        var defaults = tree.Floats("default_left");
        var types = tree.Length("split_type") > 0 ? tree.Floats("split_type") : [];
        if (left.Length == 0 || left.Length != tree.Object("tree_param").Int("num_nodes") || right.Length != left.Length || features.Length != left.Length
            || values.Length != left.Length || defaults.Length != left.Length || (types.Length != 0 && types.Length != left.Length))
        {
            throw new ModelRefusedException($"Tree {number} of the XGBoost file has lists of different lengths; it is damaged.");
        }

        if (tree.Object("tree_param").Fields.ContainsKey("size_leaf_vector") && tree.Object("tree_param").Int("size_leaf_vector") > 1)
        {
            throw new ModelRefusedException($"Tree {number} of the XGBoost model has a vector in each leaf (multi_strategy=multi_output_tree); that is not imported.");
        }

        if (tree.Length("categories") > 0 || Array.Exists(types, t => t != 0))
        {
            throw Categorical();
        }

        return new ForestTree(group, left, right, features, Array.ConvertAll(values, v => (double)(float)v), Array.ConvertAll(defaults, d => d != 0));
    }

    private static int Within(int value, int max, string name) =>
        value >= 0 && value <= max ? value : throw new ModelRefusedException($"The XGBoost model has '{name}' {value}; at most {max:N0}.");

    private static ModelRefusedException Categorical() =>
        new("The XGBoost model splits on categories; that is not imported. Encode categories as numbers before training.");
}
