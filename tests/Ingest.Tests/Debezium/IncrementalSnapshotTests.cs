using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Import;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Tests.Debezium;

/// <summary>What Debezium really sent while it took three incremental snapshots between changes.</summary>
public sealed class IncrementalSnapshotTests
{
    private readonly List<ChangeRow> _rows;

    public IncrementalSnapshotTests()
    {
        var reader = new EnvelopeReader(ImportTable.Transactions.Columns);
        _rows = [.. GoldenRecords.Read("debezium-incremental-transactions").Select(r => reader.Read(r.Message)).Select(r =>
        {
            Assert.Null(r.Fault);
            return r.Row;
        }).OfType<ChangeRow>()];
    }

    [Fact]
    public void Read_RowsWithoutAnLsn_LandWithTheirIdentity()
    {
        var snapshot = _rows.Where(r => r.Part == -1).ToList();
        Assert.True(snapshot.Count > 500, $"only {snapshot.Count} rows of snapshots");
        Assert.All(snapshot, r => Assert.Equal("r", r.Op));
        Assert.Equal(snapshot.Count, snapshot.Select(r => (r.Source, r.Lsn, r.Key, r.Part)).Distinct().Count());
    }

    // Arrival order is Debezium's own: the newest message of a key is its state. Ranking by (LSN, part) must end in the same state.
    [Fact]
    public void Rows_RankedByTheirIdentity_EndInTheStateOfTheStream()
    {
        var streamed = State(_rows);
        var ranked = State(_rows.OrderBy(r => r.Lsn).ThenBy(r => r.Part));
        Assert.True(streamed.Count > 300, $"only {streamed.Count} keys");
        Assert.Equal(streamed.Order(), ranked.Order());
    }

    private static List<string> State(IEnumerable<ChangeRow> rows)
    {
        var state = new Dictionary<string, string?>();
        foreach (var row in rows)
        {
            state[row.Key!] = row.Op == "d" ? null : string.Join('|', row.Values);
        }

        return [.. state.Where(s => s.Value is not null).Select(s => $"{s.Key}: {s.Value}")];
    }
}
