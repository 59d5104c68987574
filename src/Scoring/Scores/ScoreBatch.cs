using FeatureStore.Scoring.Runtime;

namespace FeatureStore.Scoring.Scores;

/// <summary>The answers for a batch.</summary>
/// <param name="Outputs">One tensor per output, its first axis the rows of the batch.</param>
/// <param name="RowsWithoutScore">Rows in which an output is NaN: the model had no answer, for example for an infinite amount. Ascending.</param>
public sealed record ScoreBatch(IReadOnlyList<Tensor> Outputs, IReadOnlyList<int> RowsWithoutScore)
{
    public Tensor Output(string name) => Outputs.FirstOrDefault(o => o.Name == name) ?? throw new ArgumentException($"There is no output '{name}'.");
}
