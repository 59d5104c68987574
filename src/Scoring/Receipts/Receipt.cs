using FeatureStore.Scoring.Online;
using FeatureStore.Scoring.Runtime;
using FeatureStore.Scoring.Scores;

namespace FeatureStore.Scoring.Receipts;

/// <summary>One entity of a decision.</summary>
/// <param name="KeyHash">HMAC-SHA256 of the entity's key, hex: the same entity has the same one, and nobody without the secret can tell which it is.</param>
public sealed record ReceiptRow(string KeyHash, RowOutcome Outcome);

/// <summary>What was decided for the entities of one request, and from what. All that the model saw is in it, in the order in which it saw it, so that it can be run again.</summary>
/// <param name="Sha256">Hash of the model file.</param>
/// <param name="Features">A value per row, refused rows too; absent where the model saw none.</param>
/// <param name="Outputs">The outputs for the rows that were not refused, in order.</param>
public sealed record Receipt(
    string RequestId,
    DateTimeOffset Time,
    string Model,
    string Version,
    string Sha256,
    string FeatureService,
    IReadOnlyList<ReceiptRow> Rows,
    IReadOnlyList<FeatureColumn> Features,
    IReadOnlyList<Tensor> Outputs)
{
    /// <summary>Places of the rows that the model was run on.</summary>
    public int[] ScoredRows() => [.. Enumerable.Range(0, Rows.Count).Where(r => Rows[r].Outcome != RowOutcome.Refused)];
}
