using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Runtime;
using FeatureStore.Scoring.Scores;
using FeatureStore.Scoring.Tests.Cases;

namespace FeatureStore.Scoring.Tests.Scores;

public sealed class ScorerTests
{
    private static readonly string[] Weekly =
    [
        "num_transactions_l1w", "total_amount_l1w", "avg_amount_l1w", "min_amount_l1w", "max_amount_l1w", "num_vendors_l1w", "num_sources_l1w",
    ];

    [Fact]
    public void Create_OneInputPerColumn_NeedsNoListOfFeatures()
    {
        using var scorer = Open("lr-columns-float", new ScoringPlan());
        Assert.Equal(Weekly, scorer.Features);
    }

    [Fact]
    public void Create_FileThatNamesItsFeatures_NeedsNoListOfFeatures()
    {
        using var scorer = Open("bool-flag-metadata", new ScoringPlan());
        Assert.Equal(Weekly, scorer.Features);
    }

    [Fact]
    public void Create_MlNetModel_LeavesTheLabelUnusedAndHandsNoInputBack()
    {
        using var scorer = Open("mlnet-binary-label", new ScoringPlan());
        Assert.Equal(Weekly, scorer.Features);
        Assert.DoesNotContain(scorer.Outputs, o => o.StartsWith("num_", StringComparison.Ordinal) || o == "Label.output");
        Assert.Contains("Score.output", scorer.Outputs);
    }

    [Fact]
    public void Create_VectorWithoutNames_IsRefused() => AssertRefused("lr-vector", new ScoringPlan(), "does not name its features");

    [Fact]
    public void Create_OneFeatureTooFew_IsRefused() => AssertRefused("lr-vector", new ScoringPlan { Features = Weekly[..6] }, "is 7 wide, and 6 features");

    [Fact]
    public void Create_FeatureThatFeedsNothing_IsRefused() => AssertRefused("lr-columns-float", new ScoringPlan { Features = [.. Weekly, "age"] }, "'age' feeds no input");

    [Fact]
    public void Create_InputThatNothingFeeds_IsRefused() => AssertRefused("lr-columns-float", new ScoringPlan { Features = Weekly[1..] }, "Nothing feeds the input num_transactions_l1w");

    [Fact]
    public void Create_FeatureTwice_IsRefused() => AssertRefused("lr-vector", new ScoringPlan { Features = [.. Weekly[1..], Weekly[1]] }, "listed twice");

    [Fact]
    public void Create_UnknownOutput_IsRefused() => AssertRefused("lr-vector", new ScoringPlan { Features = Weekly, Outputs = ["score"] }, "no output 'score'");

    [Fact]
    public void Create_DefaultsForSome_IsRefused() =>
        AssertRefused("lr-vector", new ScoringPlan { Features = Weekly, Missing = MissingPolicy.Default, Defaults = new Dictionary<string, string> { [Weekly[0]] = "0" } }, $"'{Weekly[1]}' has no default");

    [Fact]
    public void Create_DefaultThatIsNoNumber_IsRefused() =>
        AssertRefused("lr-vector", new ScoringPlan { Features = Weekly, Missing = MissingPolicy.NaN, Defaults = new Dictionary<string, string> { [Weekly[0]] = "none" } }, "'none'");

    [Fact]
    public void Create_DefaultForAStranger_IsRefused() =>
        AssertRefused("lr-vector", new ScoringPlan { Features = Weekly, Missing = MissingPolicy.NaN, Defaults = new Dictionary<string, string> { ["age"] = "1" } }, "'age'");

    [Fact]
    public void Score_AbsentValueUnderRefuse_IsRefusedByName()
    {
        using var scorer = Open("histgb-vector-nan", new ScoringPlan { Features = Weekly });
        var refusal = Assert.Throws<ScoreRequestException>(() => scorer.Score(Batch(absent: "min_amount_l1w")));
        Assert.Contains("'min_amount_l1w' is absent", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Score_AbsentValueUnderDefault_ScoresTheDefault()
    {
        var defaults = Weekly.ToDictionary(f => f, _ => "3");
        using var scorer = Open("histgb-vector-nan", new ScoringPlan { Features = Weekly, Missing = MissingPolicy.Default, Defaults = defaults });
        Assert.Equal(Probabilities(scorer.Score(Batch(absent: null))), Probabilities(scorer.Score(Batch(absent: "min_amount_l1w"))));
    }

    [Fact]
    public void Score_AbsentValueUnderNaN_ScoresNaN()
    {
        using var scorer = Open("histgb-vector-nan", new ScoringPlan { Features = Weekly, Missing = MissingPolicy.NaN });
        var batch = Batch(absent: null);
        batch[3] = FeatureColumn.Of(Weekly[3], [float.NaN, float.NaN]);
        Assert.Equal(Probabilities(scorer.Score(batch)), Probabilities(scorer.Score(Batch(absent: "min_amount_l1w"))));
    }

    [Fact]
    public void Score_AbsentWholeNumberUnderNaN_IsRefused()
    {
        using var scorer = Open("columns-int64-double", new ScoringPlan { Missing = MissingPolicy.NaN });
        Assert.Throws<ScoreRequestException>(() => scorer.Score(Batch(absent: "num_vendors_l1w")));
    }

    [Fact]
    public void Score_FractionForAWholeInput_IsRefusedNotCut()
    {
        using var scorer = Open("columns-int64-double", new ScoringPlan());
        var batch = Batch(absent: null);
        batch[0] = FeatureColumn.Of(Weekly[0], [1.0, 2.0]);
        var refusal = Assert.Throws<ScoreRequestException>(() => scorer.Score(batch));
        Assert.Contains("without loss", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Score_TextForANumber_IsRefused()
    {
        using var scorer = Open("lr-vector", new ScoringPlan { Features = Weekly });
        var batch = Batch(absent: null);
        batch[0] = FeatureColumn.Of(Weekly[0], ["1", "2"]);
        Assert.Throws<ScoreRequestException>(() => scorer.Score(batch));
    }

    [Fact]
    public void Score_ColumnsMissingUnknownTwiceOrRagged_AreRefused()
    {
        using var scorer = Open("lr-vector", new ScoringPlan { Features = Weekly });
        var batch = Batch(absent: null);
        AssertBadCall(scorer, batch[..6], "'num_sources_l1w' is missing");
        AssertBadCall(scorer, [.. batch, FeatureColumn.Of("age", [1L, 2L])], "no feature 'age'");
        AssertBadCall(scorer, [.. batch, batch[0]], "given twice");
        AssertBadCall(scorer, [.. batch[..6], FeatureColumn.Of(Weekly[6], [1L])], "has 1 rows");
        AssertBadCall(scorer, [], "missing from the batch");
    }

    [Fact]
    public void Score_InfiniteAmount_IsARowWithoutScore()
    {
        using var scorer = Open("lr-vector", new ScoringPlan { Features = Weekly });
        var batch = Batch(absent: null);
        batch[1] = FeatureColumn.Of(Weekly[1], [3.0, double.PositiveInfinity]);
        batch[2] = FeatureColumn.Of(Weekly[2], [3.0, double.NegativeInfinity]);
        batch[3] = FeatureColumn.Of(Weekly[3], [3.0, double.PositiveInfinity]);
        Assert.Equal([1], scorer.Score(batch).RowsWithoutScore);
    }

    [Fact]
    public void Score_NoRows_AnswersNoRows()
    {
        using var scorer = Open("lr-vector", new ScoringPlan { Features = Weekly });
        Assert.All(scorer.Score([.. Weekly.Select(f => FeatureColumn.Of(f, Array.Empty<double>()))]).Outputs, o => Assert.Equal(0, o.Rows));
    }

    [Fact]
    public void Score_FromManyThreads_IsTheSameEveryTime()
    {
        using var scorer = Open("xgb-big", new ScoringPlan { Features = Weekly });
        var expected = Probabilities(scorer.Score(Batch(absent: null)));
        Parallel.For(0, 2_000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, _ => Assert.Equal(expected, Probabilities(scorer.Score(Batch(absent: null)))));
    }

    [Fact]
    public void Score_Cancelled_Stops()
    {
        using var scorer = Open("lr-vector", new ScoringPlan { Features = Weekly });
        Assert.Throws<OperationCanceledException>(() => scorer.Score(Batch(absent: null), new CancellationToken(canceled: true)));
    }

    private static Scorer Open(string name, ScoringPlan plan) => Scorer.Create(ModelLoader.Load(GoldenCase.Open(name).ModelPath), plan);

    private static float[] Probabilities(ScoreBatch batch) => batch.Outputs.Last(o => o.Type == TensorType.Float).Span<float>().ToArray();

    /// <summary>Two rows of threes, counts as whole numbers; one feature may be absent.</summary>
    private static FeatureColumn[] Batch(string? absent) =>
        [.. Weekly.Select(f => f.StartsWith("num_", StringComparison.Ordinal)
            ? FeatureColumn.Of(f, [3L, 3L], f == absent ? [true, true] : null)
            : FeatureColumn.Of(f, [3.0, 3.0], f == absent ? [true, true] : null))];

    private static void AssertRefused(string name, ScoringPlan plan, string told)
    {
        var refusal = Assert.Throws<ModelRefusedException>(() => Open(name, plan));
        Assert.Contains(told, refusal.Message, StringComparison.Ordinal);
    }

    private static void AssertBadCall(Scorer scorer, FeatureColumn[] batch, string told)
    {
        var refusal = Assert.Throws<ScoreRequestException>(() => scorer.Score(batch));
        Assert.Contains(told, refusal.Message, StringComparison.Ordinal);
    }
}
