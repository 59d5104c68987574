using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Explain;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.OfflineStore.Tests.Features;

/// <summary>Views over plain Parquet that somebody else wrote.</summary>
public sealed class PlainSourceTests : IDisposable
{
    private static readonly FeatureViewModel View = new(
        "v", [new FieldModel("id", Kind.Int64)], [new FieldModel("x", Kind.Int64)], TimeSpan.Zero, true, new SourceModel("s", "plain", "t", null, new Dictionary<string, string>()), null);

    private readonly string _root = Directory.CreateTempSubdirectory("plain").FullName;

    public PlainSourceTests() => Directory.CreateDirectory(Path.Combine(_root, "plain"));

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Read_JulianDays_AreRefusedByLatestAndExplain()
    {
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Golden", "Parquet", "sk_ancient_legacy.parquet"), Path.Combine(_root, "plain", "a.parquet"));
        Assert.Contains("Julian", Assert.Throws<DeltaException>(() => Latest()).Message, StringComparison.Ordinal);
        Assert.Contains("Julian", Assert.Throws<DeltaException>(() => Explain(11)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NamesWithPatternCharacters_AreTheFilesThemselves()
    {
        Write("a[1]*.parquet", "SELECT 1::BIGINT id, 10::BIGINT x, make_timestamptz(11000000) t");
        Write("b.parquet", "SELECT 1::BIGINT id, 20::BIGINT x, make_timestamptz(12000000) t");
        Assert.Equal([12_000_000L], Latest());
        Assert.Equal((10L, Path.Combine("plain", "a[1]*.parquet")), Explain(11));
        Assert.Equal((20L, Path.Combine("plain", "b.parquet")), Explain(12));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Read_RowsOfOneTime_TheLastOfTheLastFileIsServedAndExplained(bool isDelta)
    {
        Write("b.parquet", "SELECT 1::BIGINT id, x::BIGINT x, make_timestamptz(11000000) t FROM (VALUES (5), (7), (6)) v(x)");
        Write("a.parquet", "SELECT 1::BIGINT id, 9::BIGINT x, make_timestamptz(11000000) t");
        if (isDelta)
        {
            Log("b.parquet", "a.parquet");
        }

        var served = Assert.Single(new FeatureReader(_root, 3).Latest(View, 0, long.MaxValue / 2, 10, CancellationToken.None).SelectMany(b => b));
        Assert.Equal(6, Feast.Types.Value.Parser.ParseFrom(served.Values[0]).Int64Val);
        Assert.Equal((6L, Path.Combine("plain", "b.parquet")), Explain(11));
    }

    [Fact]
    public void Latest_ManyMoreRowsThanFitTheBound_AreTheNewestByTheSlowRule()
    {
        const int Rows = 200_000;
        const int Entities = 80_000;
        var random = new Random(20261129);
        var newest = new Dictionary<long, (long Time, long X)>();
        var texts = new List<string>();
        for (var x = 0L; x < Rows; x++)
        {
            var (id, time) = (random.NextInt64(Entities), random.NextInt64(20) * 1_000_000);
            texts.Add(FormattableString.Invariant($"{id},{x},{time}"));
            if (!newest.TryGetValue(id, out var best) || time >= best.Time)
            {
                newest[id] = (time, x);
            }
        }

        // Random texts of 200 bytes, so that the rows are larger than the memory that is tried first.
        var csv = Path.Combine(_root, "rows.csv");
        File.WriteAllLines(csv, texts);
        Write("a.parquet", $"SELECT id, x, make_timestamptz(t) t, {string.Join(" || ", Enumerable.Range(0, 6).Select(i => $"md5(concat(x, '{i}'))"))} w FROM read_csv('{csv}', columns = {{id: 'BIGINT', x: 'BIGINT', t: 'BIGINT'}})");
        var view = View with { Features = [.. View.Features, new FieldModel("w", Kind.String)] };
        foreach (var partBytes in (long[])[LatestAsked.PartBytesDefault, 5 << 20])
        {
            var read = Reader(512, partBytes).Latest(view, 0, long.MaxValue / 2, 1_000, CancellationToken.None).SelectMany(b => b)
                .Select(r => (r.EventTimeMicros, Feast.Types.Value.Parser.ParseFrom(r.Values[0]).Int64Val));
            Assert.Equal(newest.Values.OrderBy(v => v.X), read.OrderBy(r => r.Int64Val));
        }
    }

    [Fact]
    public void Latest_RowsTooWideForItsOwnBound_TakesWhatIsAllowed()
    {
        Write("a.parquet", "SELECT i AS id, i AS x, make_timestamptz(11000000) t, repeat('x', 50000) || i AS w FROM range(2500) r(i)");
        var view = View with { Features = [.. View.Features, new FieldModel("w", Kind.String)] };
        Assert.Throws<DuckDbException>(() => Count(Reader(64)));
        Assert.Equal(2_500, Count(Reader(1_024)));

        int Count(FeatureReader reader) => reader.Latest(view, 0, long.MaxValue / 2, 10, CancellationToken.None).Sum(b => b.Count);
    }

    [Fact]
    public void Latest_FileOfTheVersionIsGone_IsNamed()
    {
        Write("a.parquet", "SELECT 1::BIGINT id, 9::BIGINT x, make_timestamptz(11000000) t");
        Log("a.parquet");
        File.Delete(Path.Combine(_root, "plain", "a.parquet"));
        Assert.Contains("at version 0 needs a.parquet, which is gone", Assert.Throws<DeltaException>(() => Latest()).Message, StringComparison.Ordinal);
    }

    private FeatureReader Reader(int memoryMiB, long partBytes = LatestAsked.PartBytesDefault) =>
        new(_root, 3, new LakeOptions(memoryMiB, 2, Path.Combine(_root, "spill"))) { PartBytes = partBytes };

    // The files as another writer commits them, in an order of its own.
    private void Log(params string[] files)
    {
        string[] columns = [.. new[] { ("id", "long"), ("x", "long"), ("t", "timestamp") }.Select(c => $$$$"""{\"name\":\"{{{{c.Item1}}}}\",\"type\":\"{{{{c.Item2}}}}\",\"nullable\":true,\"metadata\":{}}""")];
        var added = files.Select(f => $$$$"""{"add":{"path":"{{{{f}}}}","size":{{{{new FileInfo(Path.Combine(_root, "plain", f)).Length}}}},"modificationTime":1,"dataChange":true,"partitionValues":{}}}""");
        Directory.CreateDirectory(Path.Combine(_root, "plain", "_delta_log"));
        File.WriteAllLines(
            Path.Combine(_root, "plain", "_delta_log", "00000000000000000000.json"),
            [
                """{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}""",
                $$$$"""{"metaData":{"id":"t","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{{{{string.Join(",", columns)}}}}]}","partitionColumns":[],"configuration":{}}}""",
                .. added,
            ]);
    }

    private List<long> Latest() =>
        [.. new FeatureReader(_root, 3).Latest(View, 0, long.MaxValue / 2, 10, CancellationToken.None).SelectMany(b => b).Select(r => r.EventTimeMicros)];

    private (object? Value, string File) Explain(long second)
    {
        var row = new FeatureExplainer(_root).Explain(View, View.Features[0], ["1"], second * 1_000_000, CancellationToken.None)!.Row!;
        return (row.Value, row.File);
    }

    private void Write(string name, string sql)
    {
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(Threads: 1));
        using var connection = database.Connect();
        var made = Path.Combine(_root, "made.parquet");
        connection.Execute($"COPY ({sql}) TO '{made}' (FORMAT PARQUET)");
        File.Move(made, Path.Combine(_root, "plain", name));
    }
}
