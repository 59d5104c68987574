using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Runtime;
using FeatureStore.Scoring.Scores;

namespace FeatureStore.Scoring.Store;

/// <summary>Runs a model once on a row of zeros and empty texts: a file may load and still fail inside the first node.</summary>
internal static class ProbeRun
{
    /// <exception cref="ModelRefusedException">The run failed.</exception>
    public static void Check(Scorer scorer)
    {
        try
        {
            scorer.Score([.. scorer.Features.Select(f => Column(f, scorer.TypeOf(f)))]);
        }
        catch (ScoreRequestException e)
        {
            throw new ModelRefusedException($"The model loads and cannot score a row of zeros: {e.Message}", e);
        }
    }

    private static FeatureColumn Column(string feature, TensorType type) => type switch
    {
        TensorType.String => FeatureColumn.Of(feature, [string.Empty]),
        TensorType.Bool => FeatureColumn.Of(feature, [false]),
        _ => FeatureColumn.Of(feature, [0L]),
    };
}
