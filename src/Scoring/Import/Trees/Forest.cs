namespace FeatureStore.Scoring.Import.Trees;

/// <summary>How a sum of leaves becomes a prediction.</summary>
internal enum ForestLink
{
    Identity,
    Logistic,
    Exponential,
    Softmax,

    /// <summary>The number of the class with the greatest sum.</summary>
    LargestClass,

    /// <summary>1 above zero, else 0.</summary>
    Step,
}

/// <summary>One tree; node 0 is its root, and a node without a left child is a leaf.</summary>
/// <param name="Group">The class or target whose sum it adds to.</param>
/// <param name="Values">Threshold of a split, or value of a leaf.</param>
/// <param name="MissingLeft">Whether a missing value goes left.</param>
internal sealed record ForestTree(int Group, int[] Left, int[] Right, int[] Features, double[] Values, bool[] MissingLeft);

/// <summary>An ensemble of trees as any library writes it, ready to be written as ONNX.</summary>
/// <param name="FeatureNames">In the order of the vector; empty where the file has none.</param>
/// <param name="Start">What each group's sum begins with.</param>
/// <param name="IsDouble">Whether features, thresholds and sums are doubles, else float32.</param>
/// <param name="LeftIsStrictlyLess">Left is &lt;, else ≤.</param>
/// <param name="Slope">Factor of the sum inside the logistic function.</param>
internal sealed record Forest(
    string Producer, int FeatureCount, IReadOnlyList<string> FeatureNames, int Groups, IReadOnlyList<double> Start, IReadOnlyList<ForestTree> Trees,
    bool IsDouble, bool LeftIsStrictlyLess, ForestLink Link, double Slope = 1);
