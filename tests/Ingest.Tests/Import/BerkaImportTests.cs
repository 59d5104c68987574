using System.Text;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Import;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Tests.Import;

public sealed class BerkaImportTests : IDisposable
{
    private const int RowsOf1993 = 28_205;
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);
    private readonly string _folder = Directory.CreateTempSubdirectory("import").FullName;
    private readonly EmbeddedChangeLog _log;

    public BerkaImportTests() => _log = EmbeddedChangeLog.Open(Path.Combine(_folder, "log.db"));

    private static string Transactions => Path.Combine(AppContext.BaseDirectory, "berka", "trans-1993.csv.gz");

    public void Dispose()
    {
        _log.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Read_TheRealFile_MapsEveryRow()
    {
        var rows = BerkaTransactions.Read([Transactions]).ToArray();
        Assert.Equal(RowsOf1993, rows.Length);
        Assert.Equal(["2378", "695247", 700.0, null, "VKLAD", 725_846_400_000_000L], rows[0]);
        Assert.Equal(RowsOf1993, rows.Select(r => r[1]).Distinct().Count());
        Assert.All(rows, r => Assert.NotNull(r[4]));
        Assert.Contains(rows, r => (string?)r[3] == "ST:66487163");
        Assert.DoesNotContain(rows, r => r[3] is string vendor && vendor.EndsWith(":0", StringComparison.Ordinal));
    }

    [Fact]
    public void Run_Twice_DoublesNothingAndKeepsTheShift()
    {
        var first = Import(Now);
        var second = Import(Now.AddDays(30));
        Assert.Equal((RowsOf1993, 0), (first.Appended, first.AlreadyThere));
        Assert.Equal((0, RowsOf1993), (second.Appended, second.AlreadyThere));
        Assert.Equal(first.ShiftWeeks, second.ShiftWeeks);
        var end = new DateTimeOffset(1993, 12, 31, 0, 0, 0, TimeSpan.Zero).AddDays(7 * first.ShiftWeeks);
        Assert.InRange(Now - end, TimeSpan.Zero, TimeSpan.FromDays(7));
    }

    [Fact]
    public void Run_MendedFileAndCustomersInLaterWeeks_KeepTheFirstShift()
    {
        var first = Import(Now);
        var mended = Path.Combine(_folder, "mended.csv");
        File.WriteAllText(mended, "trans_id;account_id;date;type;operation;amount;balance;k_symbol;bank;account\n695247;2378;930101;PRIJEM;VKLAD;701.0;1.0;;;\n", Encoding.UTF8);
        Assert.Equal(new ImportResult(1, 0, first.ShiftWeeks, Updated: 1, Unchanged: 0), Run(mended, Now.AddDays(30)));
        var customers = new Importer(_log, new FixedTime(Now.AddDays(60))).Run(
            ImportMapping.BerkaCustomers, Path.GetDirectoryName(Transactions)!, KnownAt.Event, ImportShift.ToNow, CancellationToken.None);
        Assert.Equal((4_500, first.ShiftWeeks), (customers.Appended, customers.ShiftWeeks));
    }

    [Fact]
    public void Ingest_InterruptedAndRepeated_LandsEveryRowOnce()
    {
        Import(Now);
        var table = ChangeTable.Open(Path.Combine(_folder, "lake"), "cdc/transactions", ImportTable.Transactions.Columns);
        var topic = _log.Topic(ImportTable.Transactions.Topic);
        using (var stop = new CancellationTokenSource())
        {
            Assert.ThrowsAny<OperationCanceledException>(() => Runner(topic, table).Run(10_000, new StopAfter(stop, 10_000), stop.Token));
        }

        var rest = Runner(topic, table).Run(10_000, null, CancellationToken.None);
        var again = Runner(topic, table).Run(10_000, null, CancellationToken.None);
        Assert.Equal(new IngestResult(RowsOf1993 - 10_000, 0), rest);
        Assert.Equal(new IngestResult(0, 0), again);
    }

    [Fact]
    public void Ingest_MalformedMessage_IsNotedAndTheStreamGoesOn()
    {
        var topic = _log.Topic("t");
        _log.Append(topic, 2, (i, _) => new LogMessage([1], i == 0 ? "{broken"u8.ToArray() : null));
        var table = ChangeTable.Open(Path.Combine(_folder, "lake"), "cdc/t", ImportTable.Transactions.Columns);
        var result = Runner(topic, table).Run(100, null, CancellationToken.None);
        Assert.Equal(new IngestResult(0, 1, Others: 1), result);
        Assert.Equal(0, Assert.Single(_log.DeadLetters.List(topic)).Offset);
        Assert.Equal(new IngestResult(0, 0), Runner(topic, table).Run(100, null, CancellationToken.None));
    }

    [Fact]
    public void Ingest_NullUsersAndTimes_AreLandedAndCounted()
    {
        var topic = _log.Topic("t");
        var columns = ImportTable.Transactions.Columns;
        object?[][] values = [["u", "1", 1.0, null, null, 5L], [null, "2", 1.0, null, null, 5L], [null, "3", 1.0, null, null, null]];
        _log.Append(topic, 4, (i, lsn) =>
        {
            // The last is a delete, whose nulls are fillers.
            var key = EnvelopeWriter.Key("transaction_id", $"{i}");
            return new LogMessage(key, EnvelopeWriter.Write("t", columns, new ChangeRow(i == 3 ? "d" : "c", "s", lsn, 0, null, 0, [], values[Math.Min(i, 2)])));
        });
        var table = ChangeTable.Open(Path.Combine(_folder, "lake"), "cdc/t", columns);
        var runner = new IngestRunner(_log, topic, columns, table, "user_id", "time");
        Assert.Equal(new IngestResult(4, 0, NullUsers: 2, NullTimes: 1), runner.Run(2, null, CancellationToken.None));
        Assert.Equal(3, _log.Positions(topic)[IngestRunner.Consumer]);
    }

    [Theory]
    [InlineData("1;2;9301;PRIJEM;VKLAD;1.0;1.0;;;", "date")]
    [InlineData("1;2;930101;PRIJEM;VKLAD;1,0;1.0;;;", "amount")]
    [InlineData(";2;930101;PRIJEM;VKLAD;1.0;1.0;;;", "trans_id")]
    [InlineData("1;2;930101", "bank")]
    public void Run_UnreadableLine_NamesFileLineAndColumnAndAppendsNothing(string line, string column)
    {
        var path = Path.Combine(_folder, "bad.csv");
        File.WriteAllText(path, "trans_id;account_id;date;type;operation;amount;balance;k_symbol;bank;account\n7;8;930101;PRIJEM;VKLAD;1.0;1.0;;;\n" + line + "\n", Encoding.UTF8);
        var error = Assert.Throws<ImportException>(() => Run(path, Now));
        Assert.Contains($"{path}, line 3", error.Message, StringComparison.Ordinal);
        Assert.Contains($"'{column}'", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, _log.NextOffset(_log.Topic(ImportTable.Transactions.Topic)));
    }

    [Fact]
    public void Run_CutGzipOrMissingFile_IsAClearError()
    {
        var path = Path.Combine(_folder, "cut.csv.gz");
        File.WriteAllBytes(path, File.ReadAllBytes(Transactions)[..20_000]);
        Assert.Contains(path, Assert.Throws<ImportException>(() => Run(path, Now)).Message, StringComparison.Ordinal);
        Assert.Throws<ImportException>(() => Run(Path.Combine(_folder, "absent.csv"), Now));
    }

    private ImportResult Import(DateTimeOffset now) => Run(Transactions, now);

    private ImportResult Run(string path, DateTimeOffset now) =>
        new Importer(_log, new FixedTime(now)).Run(
            ImportMapping.BerkaTransactions, path, KnownAt.Event, ImportShift.ToNow, CancellationToken.None);

    private IngestRunner Runner(LogTopic topic, ChangeTable table) => new(_log, topic, ImportTable.Transactions.Columns, table);

    private sealed class StopAfter(CancellationTokenSource stop, long rows) : IProgress<long>
    {
        public void Report(long value)
        {
            if (value >= rows)
            {
                stop.Cancel();
            }
        }
    }
}
