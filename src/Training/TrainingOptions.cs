namespace FeatureStore.Training;

/// <summary>What is predicted.</summary>
public enum TrainingTask
{
    /// <summary>Whether something happens: labels are 0 and 1, predictions probabilities.</summary>
    Binary,

    /// <summary>A number.</summary>
    Regression,
}

/// <summary>A feature of the service and the column of the data set that holds it.</summary>
public sealed record TrainingFeature(string Name, string Column);

/// <summary>How a model is trained. Everything that decides a byte of it is here or in the data.</summary>
/// <param name="Label">Column of labels; a row without one is left out.</param>
/// <param name="Time">Column of the labels' times.</param>
/// <param name="Keys">Columns that tell the entities apart, for the baseline of an entity's own past; may be empty.</param>
public sealed record TrainingOptions(TrainingTask Task, string Label, string Time, IReadOnlyList<string> Keys, IReadOnlyList<TrainingFeature> Features)
{
    /// <summary>Rows from here on are the test; null takes <see cref="TestShare"/>.</summary>
    public DateTimeOffset? TestFrom { get; init; }

    /// <summary>Share of the rows, the last ones, that the model is tested on.</summary>
    public double TestShare { get; init; } = 0.3;

    /// <summary>How long after its time a label is known: training rows whose label reaches into the test are left out, and an entity's past counts only so far back.</summary>
    public TimeSpan LabelWindow { get; init; }

    public int Rounds { get; init; } = 100;

    public int MaxDepth { get; init; } = 4;

    public double LearningRate { get; init; } = 0.08;

    public int MinChildWeight { get; init; } = 10;

    public int Seed { get; init; } = 7;

    /// <summary>XGBoost's parameters in the order in which they are set. One thread: with more, waiting costs more than it saves on such tables.</summary>
    /// <param name="start">The prediction before the first tree.</param>
    internal IEnumerable<(string Name, string Value)> Parameters(float start)
    {
        var isBinary = Task == TrainingTask.Binary;
        yield return ("objective", isBinary ? "binary:logistic" : "reg:squarederror");
        yield return ("tree_method", "hist");
        yield return ("max_depth", XGBoost.XgbLibrary.Number(MaxDepth));
        yield return ("eta", XGBoost.XgbLibrary.Number(LearningRate));
        yield return ("min_child_weight", XGBoost.XgbLibrary.Number(MinChildWeight));
        yield return ("seed", XGBoost.XgbLibrary.Number(Seed));
        yield return ("base_score", XGBoost.XgbLibrary.Number(start));
        yield return ("eval_metric", isBinary ? "auc" : "rmse");
        yield return ("verbosity", "1");
        yield return ("nthread", "1");
    }
}
