using FeatureStore.OfflineStore.DataSets;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Scoring.Models;
using FeatureStore.Training.Report;
using FeatureStore.Training.XGBoost;

namespace FeatureStore.Training.Tests;

public sealed class TrainingRunTests : IDisposable
{
    /// <summary>Recorded from XGBoost 1.7.4 driven by Python over the same rows and parameters, on x64. The hash of another processor's model may differ; its figures do not.</summary>
    private const string RecordedSha256 = "443350327c86e6366c39a39fbcd37f74e99035a7200ce18bd8ce7e0e487aebde";

    private readonly string _folder = Directory.CreateTempSubdirectory("fstore-training-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public void Run_OnTheBanksYear_ReproducesTheRecordedModelAndFigures()
    {
        BankData.NeedXgboost();
        var result = TrainingRun.Run(BankData.Open(), BankData.Options(), CancellationToken.None);
        Assert.Equal((19_272, 9_122, 0, 0), (result.TrainRows, result.TestRows, result.Dropped, result.WithoutLabel));
        Assert.Equal(139_443, result.Model.Length);
        Assert.Equal(RecordedSha256, ModelLoader.Hash(result.Model));
        Near(0.7135, result, "this model", "auc");
        Near(0.261, result, "this model", "pr_auc", 0.0005);
        Near(0.621, result, "logistic regression", "auc", 0.01);
        Near(0.3091, result, "logistic regression", "log_loss", 0.002);
        Near(0.0858, result, "logistic regression", "brier", 0.0005);
        Near(0.3225, result, "training rate for all", "log_loss");
        Near(0.0888, result, "training rate for all", "brier");
        Near(0.590, result, "max_amount_l1w as the score", "auc", 0.0005);
        Near(0.180, result, "max_amount_l1w as the score", "pr_auc", 0.0005);
        Near(0.743, result, "the entity's own rate in training", "auc", 0.0005);
        Near(0.240, result, "the entity's own rate in training", "pr_auc", 0.0005);
        Assert.True(Figure(result, "this model", "auc") >= 0.71);
    }

    [SkippableFact]
    public void Run_OfANumber_ReproducesTheRecordedFigures()
    {
        BankData.NeedXgboost();
        var result = TrainingRun.Run(BankData.Open(), BankData.Options(TrainingTask.Regression, "label_next_total"), CancellationToken.None);
        Near(15_109, result, "this model", "rmse", 1);
        Near(8_627, result, "this model", "mae", 1);
        Near(15_503, result, "linear regression", "rmse", 30);
        Near(15_810, result, "training mean for all", "rmse", 1);
        Near(17_463, result, "training median for all", "rmse", 1);
        Near(14_866, result, "the entity's own mean in training", "rmse", 1);
        Near(0.114, result, "the entity's own mean in training", "r2", 0.0005);
    }

    [SkippableFact]
    public void Run_Twice_GivesTheSameBytesOfModelAndReport()
    {
        BankData.NeedXgboost();
        var options = BankData.Options() with { Rounds = 20 };
        var (one, two) = (TrainingRun.Run(BankData.Open(), options, CancellationToken.None), TrainingRun.Run(BankData.Open(), options, CancellationToken.None));
        Assert.True(one.Model.AsSpan().SequenceEqual(two.Model));
        Assert.Equal(ReportPage.Write("t", options, one, [("a", "b")]), ReportPage.Write("t", options, two, [("a", "b")]));
        var other = TrainingRun.Run(BankData.Open(), options with { MaxDepth = 3 }, CancellationToken.None);
        Assert.False(one.Model.AsSpan().SequenceEqual(other.Model));
    }

    [SkippableFact]
    public void Run_RowsComeInAnotherOrderOfTimes_TrainsTheSame()
    {
        BankData.NeedXgboost();
        var options = BankData.Options() with { Rounds = 5 };
        var reversed = DataSetReader.Open(BankData.Test, LakeOptions.Default, CancellationToken.None, [BankData.Test, BankData.Train]);
        Assert.True(TrainingRun.Run(BankData.Open(), options, CancellationToken.None).Model.AsSpan().SequenceEqual(TrainingRun.Run(reversed, options, CancellationToken.None).Model));
    }

    [SkippableFact]
    public void Run_OddDataSets_AreToldOrTrained()
    {
        BankData.NeedXgboost();
        var options = new TrainingOptions(TrainingTask.Binary, "y", "event_timestamp", ["user_id"], [new TrainingFeature("a", "a")]) { Rounds = 2, TestShare = 0.5 };
        Refused("only numbers are trained on", options, "u,2026-01-01,1,");
        Refused("other labels than 0 and 1", options, "u,2026-01-01,1,2");
        Refused("All labels before", options, "u,2026-01-01,1,0", "u,2026-01-02,2,0", "u,2026-01-03,2,1", "u,2026-01-04,2,0");
        Refused("infinite or beyond float32", options, "u,2026-01-01,1e300,0", "u,2026-01-02,2,1", "u,2026-01-03,2,1", "u,2026-01-04,2,0");
        Refused("has no 'event_timestamp'", options, "u,,1,0", "u,2026-01-02,2,1");
        Refused("No row is left", options with { TestFrom = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero) }, "u,2026-01-01,1,0", "u,2026-01-02,2,1");
        Refused("no column 'b'", options with { Features = [new TrainingFeature("b", "b")] }, "u,2026-01-01,1,0");
        Refused("only numbers", options with { Features = [new TrainingFeature("b", "user_id")] }, "u,2026-01-01,1,0");

        // A label that reaches into the test is left out, a row without one is counted, and a null is no zero.
        var result = Train(options with { LabelWindow = TimeSpan.FromDays(1), TestFrom = new DateTimeOffset(2026, 1, 4, 0, 0, 0, TimeSpan.Zero) }, "u,2026-01-01,1,0", "u,2026-01-01,,1", "u,2026-01-02,2,1", "u,2026-01-03T12:00:00,2,0", "u,2026-01-04,2,1", "u,2026-01-05,3,0", "u,2026-01-05,3,1", "u,2026-01-05,3,");
        Assert.Equal((3, 3, 1, 1), (result.TrainRows, result.TestRows, result.Dropped, result.WithoutLabel));
    }

    private void Refused(string text, TrainingOptions options, params string[] rows)
    {
        var refusal = Assert.ThrowsAny<Exception>(() => Train(options, rows));
        Assert.True(refusal is TrainingException or DataSetException, refusal.ToString());
        Assert.Contains(text, refusal.Message, StringComparison.Ordinal);
    }

    private TrainingResult Train(TrainingOptions options, params string[] rows)
    {
        var path = Path.Combine(_folder, $"{Guid.NewGuid():N}.csv");
        File.WriteAllLines(path, ["user_id,event_timestamp,a,y", .. rows]);
        return TrainingRun.Run(DataSetReader.Open(path, LakeOptions.Default, CancellationToken.None), options, CancellationToken.None);
    }

    private static void Near(double expected, TrainingResult result, string contender, string figure, double tolerance = 0.00005)
    {
        var actual = Figure(result, contender, figure);
        Assert.True(Math.Abs(actual - expected) <= tolerance, $"{contender}, {figure}: {actual}, recorded {expected}");
    }

    private static double Figure(TrainingResult result, string contender, string figure) => result.Contenders.Single(c => c.Name == contender).Figures.Single(f => f.Name == figure).Value!.Value;
}
