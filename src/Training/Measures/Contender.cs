namespace FeatureStore.Training.Measures;

/// <summary>The model or one of the plain answers that it has to beat, with its predictions for the test rows.</summary>
/// <param name="Note">What it is, for the reader of the report.</param>
/// <param name="IsPrediction">False for a score that only ranks.</param>
internal sealed record Contender(string Name, string Note, IReadOnlyList<double> Predictions, bool IsPrediction = true)
{
    /// <summary>Its figures by name, in the order of the report.</summary>
    public IReadOnlyList<(string Name, double? Value)> Figures(TrainingTask task, float[] labels) => task == TrainingTask.Binary
        ?
        [
            ("auc", BinaryMeasures.Auc(Predictions, labels)),
            ("pr_auc", BinaryMeasures.AveragePrecision(Predictions, labels)),
            ("log_loss", IsPrediction ? BinaryMeasures.LogLoss(Predictions, labels) : null),
            ("brier", IsPrediction ? BinaryMeasures.Brier(Predictions, labels) : null),
        ]
        :
        [
            ("rmse", RegressionMeasures.Rmse(Predictions, labels)),
            ("mae", RegressionMeasures.Mae(Predictions, labels)),
            ("r2", RegressionMeasures.R2(Predictions, labels)),
        ];
}
