namespace FeatureStore.Ingest.Postgres;

/// <summary>What a capture did so far, over all its connections.</summary>
/// <param name="landed">Told of the rows of streamed changes after each landing.</param>
internal sealed class CaptureTally(IProgress<long>? landed)
{
    private long _changes;
    private long _transactions;

    /// <summary>Rows of the snapshot.</summary>
    public long Snapshot { get; set; }

    /// <summary>End of the last commit that is durable in the lake.</summary>
    public long Durable { get; set; }

    public void Landed(CutBatch cut)
    {
        _changes += cut.Rows;
        _transactions += cut.Transactions;
        Durable = cut.CommitLsn;
        landed?.Report(_changes);
    }

    public CaptureResult Result() => new(Snapshot, _changes, _transactions, Durable);
}
