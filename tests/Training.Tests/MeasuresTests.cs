using FeatureStore.Training.Measures;

namespace FeatureStore.Training.Tests;

/// <summary>The fast forms against the definitions, on random scores with many ties.</summary>
public sealed class MeasuresTests
{
    private const int Seed = 20_261_125;

    [Fact]
    public void Auc_OnRandomScoresWithTies_IsTheShareOfOrderedPairs()
    {
        for (var round = 0; round < 300; round++)
        {
            var (scores, labels) = Case(round);
            var pairs = 0.0;
            var count = 0;
            for (var i = 0; i < labels.Length; i++)
            {
                for (var j = 0; j < labels.Length; j++)
                {
                    if (labels[i] > labels[j])
                    {
                        count++;
                        pairs += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
                    }
                }
            }

            Assert.True(Math.Abs((pairs / count) - BinaryMeasures.Auc(scores, labels)) < 1e-9, $"seed {Seed + round}");
        }
    }

    [Fact]
    public void AveragePrecision_OnRandomScoresWithTies_IsTheSumOverThresholds()
    {
        for (var round = 0; round < 300; round++)
        {
            var (scores, labels) = Case(round);
            var recallBefore = 0.0;
            var sum = 0.0;
            foreach (var threshold in scores.Distinct().OrderDescending())
            {
                var at = labels.Where((_, i) => scores[i] >= threshold).ToArray();
                var recall = at.Sum() / labels.Sum();
                sum += (recall - recallBefore) * at.Average();
                recallBefore = recall;
            }

            Assert.True(Math.Abs(sum - BinaryMeasures.AveragePrecision(scores, labels)) < 1e-6, $"seed {Seed + round}");
        }
    }

    [Fact]
    public void Measures_OfKnownPredictions_AreTheKnownNumbers()
    {
        Assert.Equal(-Math.Log(0.8), BinaryMeasures.LogLoss([0.8, 0.2], [1, 0]), 12);
        Assert.Equal(0.04, BinaryMeasures.Brier([0.8, 0.2], [1, 0]), 12);
        Assert.True(double.IsFinite(BinaryMeasures.LogLoss([0, 1], [1, 0])));
        Assert.Equal(5, RegressionMeasures.Rmse([1, 2], [8, 1]), 12);
        Assert.Equal(4, RegressionMeasures.Mae([1, 2], [8, 1]), 12);
        Assert.Equal(0, RegressionMeasures.R2([4.5, 4.5], [8, 1]), 12);
    }

    private static (double[] Scores, float[] Labels) Case(int round)
    {
        var random = new Random(Seed + round);
        var rows = random.Next(2, 40);
        var labels = Enumerable.Range(0, rows).Select(i => i == 0 ? 0f : i == 1 ? 1f : random.Next(2)).ToArray();
        return ([.. labels.Select(_ => random.Next(6) / 5.0)], labels);
    }
}
