using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Postgres;

/// <summary>Whole transactions that were cut off a <see cref="CaptureBatch"/>, to be landed while further ones come.</summary>
/// <param name="commitLsn">End of the last of them.</param>
internal sealed class CutBatch(IReadOnlyList<CapturedRows> tables, long commitLsn, long rows, long transactions, IChangePublisher? publisher)
{
    public long CommitLsn => commitLsn;

    public long Rows => rows;

    /// <summary>Those of them that have rows.</summary>
    public long Transactions => transactions;

    /// <summary>Lands them; the progress goes with the last table, so that it never tells of more than all hold.</summary>
    public void Land(string appId, CancellationToken cancellationToken)
    {
        // Before the lake, which knows what is done: what it holds is published too.
        publisher?.Flush();
        foreach (var (table, buffer) in tables)
        {
            if (buffer.Count > 0 || table == tables[^1].Table)
            {
                table.Lake.Append(buffer, new LakeTxn(appId, commitLsn), cancellationToken);
                buffer.Clear();
            }
        }

        IngestSteps.Log.BatchLanded();
    }
}

/// <summary>Rows of one table.</summary>
internal readonly record struct CapturedRows(CapturedTable Table, RowBuffer Rows);
