using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Import;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Tests.Debezium;

/// <summary>What Debezium really sent for the example's table, whose user_id is an int there.</summary>
public sealed class RecordedEnvelopeTests
{
    private const int Records = 1_705;
    private readonly EnvelopeReader _reader = new(ImportTable.Transactions.Columns);

    [Theory]
    [InlineData("json")]
    [InlineData("schema")]
    public void Read_EveryRecord_IsARowOrATombstone(string run)
    {
        var ops = new Dictionary<string, int>();
        var count = 0;
        foreach (var (_, message) in Recorded(run))
        {
            var result = _reader.Read(message);
            Assert.Null(result.Fault);
            count++;
            var op = result.Row?.Op ?? "tombstone";
            ops[op] = ops.GetValueOrDefault(op) + 1;
        }

        Assert.Equal(Records, count);
        Assert.Equal((7, 1_081, 9, 304, 304), (ops["r"], ops["c"], ops["u"], ops["d"], ops["tombstone"]));
    }

    [Fact]
    public void Read_WithAndWithoutSchema_GiveTheSameRows()
    {
        var pairs = Recorded("json").Zip(Recorded("schema"));
        foreach (var (bare, schema) in pairs)
        {
            var (a, b) = (_reader.Read(bare.Message).Row, _reader.Read(schema.Message).Row);
            Assert.Equal(a?.Values, b?.Values);
            Assert.Equal((a?.Op, a?.Key, a?.Part), (b?.Op, b?.Key, b?.Part));
            if (a?.Op != "r")
            {
                // Each connector's snapshot has a time and position of its own.
                Assert.Equal((a?.Lsn, a?.CommitTimeMicros), (b?.Lsn, b?.CommitTimeMicros));
            }
        }
    }

    [Fact]
    public void Read_FirstRecord_HasItsExactValues()
    {
        var row = _reader.Read(Recorded("json").First().Message).Row!;
        Assert.Equal(["1", "t000001", 1.37, "tesco", "cash", 1_709_341_267_007_919L], row.Values);
        Assert.Equal(("r", "json", 27_350_200L, 0, 1_795_382_957_959_248L), (row.Op, row.Source, row.Lsn, row.Part, row.CommitTimeMicros));
        Assert.Equal("""{"transaction_id":"t000001"}""", row.Key);
    }

    [Fact]
    public void Read_KeyChange_IsADeleteAndACreateOfPartOneAtOneLsn()
    {
        var halves = Recorded("json").Where(r => r.Case == "tx_pk_change").Select(r => _reader.Read(r.Message).Row).OfType<ChangeRow>()
            .Where(r => r.Lsn == 27_356_248).ToArray();
        Assert.Equal(["d", "c"], halves.Select(r => r.Op));
        Assert.Equal([0, 1], halves.Select(r => r.Part));
        Assert.Equal(["""{"transaction_id":"t000010"}""", """{"transaction_id":"t000010-new"}"""], halves.Select(r => r.Key));
    }

    [Fact]
    public void Read_EveryRecord_HasAnIdentityOfItsOwn()
    {
        var rows = Recorded("json").Select(r => _reader.Read(r.Message).Row).OfType<ChangeRow>().ToArray();
        Assert.Equal(rows.Length, rows.Select(r => (r.Source, r.Lsn, r.Key, r.Part)).Distinct().Count());
    }

    private static IEnumerable<(string Case, LogMessage Message)> Recorded(string run) =>
        GoldenRecords.Read($"debezium-{run}-transactions").Select(r => (r.Record.GetProperty("case").GetString()!, r.Message));
}
