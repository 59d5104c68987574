using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Import;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Tests.Import;

public sealed class ImporterTests : IDisposable
{
    private const long MicrosPerWeek = 7L * 24 * 3600 * 1_000_000;
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);

    private static readonly CsvMapping Mapping = new(
        ImportTable.Transactions,
        ',',
        [
            new("transaction_id", "id"), new("user_id", "who"), new("amount", "value"), new("time", "at", "yyyy-MM-dd HH:mm"),
        ]);

    private readonly string _folder = Directory.CreateTempSubdirectory("importer").FullName;
    private readonly EmbeddedChangeLog _log;

    public ImporterTests() => _log = EmbeddedChangeLog.Open(Path.Combine(_folder, "log.db"));

    public void Dispose()
    {
        _log.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Run_MappingOfOwnColumns_ReadsThemAndLeavesOthersNull()
    {
        Assert.Equal(new ImportResult(2, 0, 0, 0, 0), Import(Write("a.csv", "id,who,value,at,more", "t1,u1,1.5,1970-01-01 00:01,x", "t2,,,,")));
        var rows = Rows();
        Assert.Equal(["u1", "t1", 1.5, null, null, 60_000_000L], rows[0].Values);
        Assert.Equal([null, "t2", null, null, null, null], rows[1].Values);
        Assert.Equal("""{"transaction_id":"t1"}""", rows[0].Key);
    }

    [Fact]
    public void Run_MendedFile_AppendsOnlyWhatDiffers()
    {
        Import(Write("a.csv", "id,who,value,at", "t1,u1,1,1970-01-01 00:01", "t2,u1,2,1970-01-01 00:02"));
        var result = Import(Write("b.csv", "id,who,value,at", "t1,u1,1,1970-01-01 00:01", "t2,u1,3,1970-01-01 00:02", "t3,u1,4,1970-01-01 00:03"));
        Assert.Equal(new ImportResult(2, 0, 0, Updated: 1, Unchanged: 1), result);
        Assert.Equal(["r", "r", "u", "r"], Rows().Select(r => r.Op));
        Assert.Equal(["t1", "t2", "t2", "t3"], Rows().Select(r => r.Values[1]));
        Assert.Equal([1L, 2, 3, 4], Rows().Select(r => r.Lsn));
    }

    [Fact]
    public void Run_KeyTwiceInOneFile_TakesTheSecondAsAnUpdate()
    {
        Import(Write("a.csv", "id,who,value,at", "t1,u1,1,", "t1,u1,1,", "t1,u1,2,"));
        Assert.Equal([("r", 1.0), ("u", 2.0)], Rows().Select(r => (r.Op, (double)r.Values[2]!)));
    }

    [Fact]
    public void Run_KeyDeletedSince_IsNewAgain()
    {
        var path = Write("a.csv", "id,who,value,at", "t1,u1,1,");
        Import(path);
        var topic = _log.Topic(ImportTable.Transactions.Topic);
        var key = EnvelopeWriter.Key("transaction_id", "t1");
        _log.Append(topic, 1, (_, lsn) => new LogMessage(key, EnvelopeWriter.Write("transactions", ImportTable.Transactions.Columns, Rows()[0] with { Op = "d", Lsn = lsn })));
        _log.Append(topic, [new LogMessage(key, null)]);
        Import(Write("b.csv", "id,who,value,at", "t1,u1,1,", "t2,u1,1,"));
        Assert.Equal(["r", "d", "r", "r"], Rows().Select(r => r.Op));
    }

    [Fact]
    public void Run_StoppedHalfway_GoesOnWithoutDoublingOrLosing()
    {
        var path = Write("a.csv", [.. Enumerable.Range(0, 12_000).Select(i => $"t{i},u,1,1970-01-01 00:01").Prepend("id,who,value,at")]);
        var mapping = Mapping.ToImportMapping();
        var passes = 0;
        var dying = mapping with { Rows = files => Dying(mapping.Rows(files), ++passes == 2 ? 11_000 : int.MaxValue) };
        Assert.Throws<InvalidOperationException>(() => Run(dying, path, ImportShift.ToNow, Now));
        Assert.Equal(10_000, _log.NextOffset(_log.Topic(ImportTable.Transactions.Topic)));
        var rest = Run(mapping, path, ImportShift.ToNow, Now.AddYears(1));
        Assert.Equal((2_000, 10_000), (rest.Appended, rest.AlreadyThere));
        Assert.Equal(12_000, Rows().Select(r => r.Key).Distinct().Count());
        Assert.Single(Rows().Select(r => r.Values[5]).Distinct());
        Assert.Equal(12_000, Rows().Count);
    }

    [Fact]
    public void Run_Shift_MovesTimesByWholeWeeksAndIsKept()
    {
        var path = Write("a.csv", "id,who,value,at", "t1,u1,1,1970-01-01 00:01");
        Run(Mapping.ToImportMapping(), path, ImportShift.Weeks(3), Now);
        Assert.Equal(60_000_000 + (3 * MicrosPerWeek), Rows()[0].Values[5]);
        Assert.Equal(Rows()[0].Values[5], Rows()[0].CommitTimeMicros);
        Assert.Equal(3, Run(Mapping.ToImportMapping(), path, ImportShift.ToNow, Now).ShiftWeeks);
        Assert.Contains("shift of 3 weeks", Assert.Throws<ImportException>(() => Import(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_ShiftOutOfTheCalendar_IsAClearError()
    {
        var path = Write("a.csv", "id,who,value,at", "t1,u1,1,1970-01-01 00:01");
        Assert.ThrowsAny<ImportException>(() => Run(Mapping.ToImportMapping(), path, ImportShift.Weeks(int.MaxValue), Now));
        Assert.Empty(Rows());
    }

    [Fact]
    public void Run_KnownAtNow_CommitsAtTheImport()
    {
        var path = Write("a.csv", "id,who,value,at", "t1,u1,1,1970-01-01 00:01");
        new Importer(_log, new FixedTime(Now)).Run(Mapping.ToImportMapping(), path, KnownAt.Now, ImportShift.None, CancellationToken.None);
        Assert.Equal(Now.ToUnixTimeMilliseconds() * 1_000, Rows()[0].CommitTimeMicros);
        Assert.Equal(60_000_000L, Rows()[0].Values[5]);
    }

    [Fact]
    public void Run_Folder_TakesItsFilesByName()
    {
        Write("in/b.csv", "id,who,value,at", "t2,u1,1,");
        Write("in/a.csv", "id,who,value,at", "t1,u1,1,");
        Write("in/notes.txt", "no rows");
        Import(Path.Combine(_folder, "in"));
        Assert.Equal(["t1", "t2"], Rows().Select(r => r.Values[1]));
        Directory.CreateDirectory(Path.Combine(_folder, "void"));
        Assert.Contains("void", Assert.Throws<ImportException>(() => Import(Path.Combine(_folder, "void"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("t9,u,1,1970-01-01", "'at'", "yyyy-MM-dd HH:mm")]
    [InlineData("t9,u,x,", "'value'", "Double")]
    [InlineData(",u,1,", "'id'", "a value")]
    [InlineData("t9,u", "'value'", "no column")]
    public void Run_UnreadableLine_NamesPlaceAndAppendsNothing(string line, string column, string expected)
    {
        var path = Write("a.csv", "id,who,value,at", "t1,u1,1,", line);
        var error = Assert.Throws<ImportException>(() => Import(path)).Message;
        Assert.All(new[] { $"{path}, line 3", column, expected }, part => Assert.Contains(part, error, StringComparison.Ordinal));
        Assert.Empty(Rows());
    }

    [Fact]
    public void Run_NotUtf8_IsAClearError()
    {
        var path = Path.Combine(_folder, "a.csv");
        File.WriteAllBytes(path, [.. "id,who,value,at\nt1,"u8, 0xE8, .. ",1,\n"u8]);
        Assert.Contains(path, Assert.Throws<ImportException>(() => Import(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ToImportMapping_WrongTargets_AreRefused()
    {
        Assert.Contains("'nope'", Fault([new("nope", "x")]), StringComparison.Ordinal);
        Assert.Contains("at most once", Fault([new("transaction_id", "x"), new("transaction_id", "y")]), StringComparison.Ordinal);
        Assert.Contains("'transaction_id'", Fault([new("user_id", "x")]), StringComparison.Ordinal);

        static string Fault(CsvColumn[] columns) =>
            Assert.Throws<ImportException>(() => (Mapping with { Columns = columns }).ToImportMapping()).Message;
    }

    private static IEnumerable<object?[]> Dying(IEnumerable<object?[]> rows, int after)
    {
        foreach (var row in rows)
        {
            yield return after-- > 0 ? row : throw new InvalidOperationException("killed");
        }
    }

    private string Write(string name, params string[] lines)
    {
        var path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllLines(path, lines);
        return path;
    }

    private ImportResult Import(string path) => Run(Mapping.ToImportMapping(), path, ImportShift.None, Now);

    private ImportResult Run(ImportMapping mapping, string path, ImportShift shift, DateTimeOffset now) =>
        new Importer(_log, new FixedTime(now)).Run(mapping, path, KnownAt.Event, shift, CancellationToken.None);

    private List<ChangeRow> Rows()
    {
        var reader = new EnvelopeReader(ImportTable.Transactions.Columns);
        return _log.Read(_log.Topic(ImportTable.Transactions.Topic), 0, 100_000).Select(m => reader.Read(m.Message).Row).OfType<ChangeRow>().ToList();
    }
}
