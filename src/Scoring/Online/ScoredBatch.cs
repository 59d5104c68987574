using FeatureStore.Scoring.Runtime;
using FeatureStore.Scoring.Store;
using FeatureStore.Serving.Retrieval;
using StoredColumn = FeatureStore.Serving.Retrieval.FeatureColumn;

namespace FeatureStore.Scoring.Online;

/// <summary>How the scoring of a row ended.</summary>
public enum RowOutcome
{
    /// <summary>The row has a score.</summary>
    Scored,

    /// <summary>A feature is missing, and the model's policy refuses the row.</summary>
    Refused,

    /// <summary>The model answered NaN.</summary>
    NoScore,
}

/// <summary>What is known of one row of the answer.</summary>
/// <param name="Batch">The row's place in the outputs; −1 where it was not scored.</param>
/// <param name="Missing">Features without a value that the policy does not let pass.</param>
/// <param name="OldestEventMicros">Event time of the row's oldest feature, microseconds since the epoch; null where it has none.</param>
public sealed record ScoredRow(RowOutcome Outcome, int Batch, IReadOnlyList<string> Missing, long? OldestEventMicros);

/// <summary>Answers for a batch of entities, and what they were made from.</summary>
/// <param name="Entities">Entity columns in the request's order.</param>
/// <param name="FeatureNames">The features that the model takes, in its order.</param>
/// <param name="Features">What the store had of each, a value per row.</param>
/// <param name="Outputs">The model's outputs for the rows that were scored.</param>
public sealed record ScoredBatch(
    string RequestId,
    ModelManifest Model,
    DateTimeOffset Time,
    IReadOnlyList<EntityColumn> Entities,
    IReadOnlyList<string> FeatureNames,
    StoredColumn[] Features,
    IReadOnlyList<ScoredRow> Rows,
    IReadOnlyList<Tensor> Outputs,
    IReadOnlyList<string> Warnings)
{
    /// <summary>Milliseconds since the row's oldest feature; null where it has none.</summary>
    public long? AgeMillis(int row) => Rows[row].OldestEventMicros is { } micros ? Time.ToUnixTimeMilliseconds() - (micros / 1_000) : null;
}
