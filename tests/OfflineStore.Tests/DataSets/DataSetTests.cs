using FeatureStore.OfflineStore.DataSets;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.PointInTime;
using FeatureStore.OfflineStore.Tests.Features;
using FeatureStore.OfflineStore.Tests.PointInTime;

namespace FeatureStore.OfflineStore.Tests.DataSets;

/// <summary>Data sets as files: their manifest, that they can be made again, and what a broken one is told by.</summary>
public sealed class DataSetTests : IDisposable
{
    private const long Day = BankView.Day;
    private readonly DataSetFixture _lake = new();

    public void Dispose() => _lake.Dispose();

    private string Labels() => _lake.Labels(
        "labels.csv", ["user_id,event_timestamp,fraud", .. Enumerable.Range(0, 40).Select(i => $"u{i % 4},{DateTimeOffset.UnixEpoch.AddDays(12).AddHours(i * 9):yyyy-MM-ddTHH:mm:ssZ},{i % 2}")]);

    [Fact]
    public void Export_Manifest_TellsWhatStandsInTheFile()
    {
        var manifest = _lake.Export(Labels(), "out.parquet");

        var target = DataSetTarget.Of(_lake.In("out.parquet"));
        Assert.Equal(manifest.ToJson(), File.ReadAllText(target.ManifestPath));
        Assert.Equal(manifest.ToJson(), DataSetManifest.Read(target.ManifestPath).ToJson());
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(target.Path))), manifest.Sha256);
        Assert.Equal(40, manifest.Rows);
        var rows = DataSetRows.Read(target.Path);
        var total = manifest.Columns.Single(c => c.Name == "total");
        var values = rows.Rows.Select(r => r.Split('|')[4]).ToList();
        var numbers = values.Where(v => v != "null").Select(v => double.Parse(v, System.Globalization.CultureInfo.InvariantCulture)).ToList();
        Assert.Equal("weekly:total", total.From);
        Assert.Equal(values.Count(v => v == "null"), total.Nulls);
        Assert.InRange(total.Nulls, 1, 39);
        Assert.Equal(total.Nulls / 40.0, total.NullRate);
        Assert.Equal(numbers.Average(), total.Mean!.Value, 1e-9);
        Assert.Equal((numbers.Min(), numbers.Max()), (double.Parse(total.Min!, System.Globalization.CultureInfo.InvariantCulture), double.Parse(total.Max!, System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal([("features/weekly", (long?)0), ("limits.parquet", null)], manifest.Tables.Select(t => (t.Path, t.Version)));
        Assert.Empty(DataSetCheck.Faults(target));
    }

    [Theory]
    [InlineData(WindowAt.Snapshot)]
    [InlineData(WindowAt.Label)]
    public void Replay_AfterMoreArrived_GivesTheSameBytes(WindowAt windowAt)
    {
        var first = _lake.Export(Labels(), "first.parquet", JoinRules.Default with { WindowAt = windowAt });
        _lake.Append(2, [.. Enumerable.Range(100, 20).Select(i => DataSetFixture.Change(i, $"u{i % 3}", i, 12 * Day, 12 * Day + i)), DataSetFixture.Change(200, "u1", 7, 13 * Day, 30 * Day)]);
        var request = DataSetReplay.Read(_lake.In("first.parquet")).Request(null);

        var again = _lake.Export(request, "again.parquet");
        var now = _lake.Export(Labels(), "now.parquet", JoinRules.Default with { WindowAt = windowAt });

        Assert.Equal(File.ReadAllBytes(_lake.In("first.parquet")), File.ReadAllBytes(_lake.In("again.parquet")));
        DataSetReplay.Read(_lake.In("first.parquet")).EnsureSame(again, DataSetTarget.Of(_lake.In("again.parquet")));
        if (windowAt == WindowAt.Label)
        {
            Assert.NotEqual(first.Sha256, now.Sha256);
            Assert.Contains("not the data set", Assert.Throws<LabelException>(() => DataSetReplay.Read(_lake.In("first.parquet")).EnsureSame(now, DataSetTarget.Of(_lake.In("now.parquet")))).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Replay_WhereARowThatIsNoLongerTrueWasReplaced_SaysSo()
    {
        _lake.Export(Labels(), "first.parquet");

        // A backdated change, known when it happened: the rows of its weeks were never true, and their file goes.
        _lake.Append(2, [DataSetFixture.Change(300, "u1", 1000, 13 * Day, 13 * Day)]);
        _lake.Compute();

        var request = DataSetReplay.Read(_lake.In("first.parquet")).Request(null);
        Assert.Contains("which is gone", Assert.Throws<DeltaException>(() => _lake.Export(request, "again.parquet")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Replay_OfOtherLabels_IsRefused()
    {
        _lake.Export(Labels(), "first.parquet");
        File.AppendAllText(_lake.In("labels.csv"), "u1,1970-01-20,1\n");
        Assert.Contains("is not the file of labels", Assert.Throws<LabelException>(() => DataSetReplay.Read(_lake.In("first.parquet")).Request(null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Export_Statistics_CountNaNsAndListsAsTheyAre()
    {
        _lake.Sql($"COPY (SELECT i AS x, CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN 'nan'::DOUBLE ELSE i / 2 END AS d, CASE WHEN i > 4 THEN [i, NULL] END AS list, i % 2 = 0 AS even, make_timestamptz({20 * Day}) AS event_timestamp FROM range(9) t(i)) TO '{_lake.In("odd.parquet")}' (FORMAT PARQUET)");

        var columns = _lake.Export(_lake.In("odd.parquet"), "out.parquet", features: "unkeyed:note").Columns.ToDictionary(c => c.Name);

        Assert.Equal((0L, "0", "8", 4.0), (columns["x"].Nulls, columns["x"].Min, columns["x"].Max, columns["x"].Mean));
        Assert.Equal((3L, "1.0", "nan", 2.5), (columns["d"].Nulls, columns["d"].Min, columns["d"].Max, columns["d"].Mean));
        Assert.Equal((5L, null, null, null), (columns["list"].Nulls, columns["list"].Min, columns["list"].Max, columns["list"].Mean));
        Assert.Equal((0L, "false", "true"), (columns["even"].Nulls, columns["even"].Min, columns["even"].Max));
        Assert.Equal((0L, "b", "b"), (columns["note"].Nulls, columns["note"].Min, columns["note"].Max));
    }

    [Theory]
    [InlineData("a.parquet")]
    [InlineData("a.csv")]
    [InlineData("folder")]
    public void Export_OneOrTwoThreadsAndLittleMemory_GivesTheSameBytes(string output)
    {
        _lake.Sql($"COPY (SELECT 'u' || (hash(i) % 5) AS user_id, make_timestamptz({10 * Day} + CAST(hash(i + 7) % {20 * Day} AS BIGINT)) AS event_timestamp, i FROM range(300000) t(i)) TO '{_lake.In("many.parquet")}' (FORMAT PARQUET)");
        var bytes = new List<string>();
        foreach (var (threads, memory) in new[] { (1, 1024), (2, 1024), (2, 128) })
        {
            var target = DataSetTarget.Of(_lake.In(output));
            _lake.Export(_lake.In("many.parquet"), output, JoinRules.Default with { WindowAt = WindowAt.Label }, new LakeOptions(memory, threads, _lake.In("spill")));
            bytes.Add(File.ReadAllText(target.ManifestPath));
            Assert.Empty(DataSetCheck.Faults(target));
        }

        Assert.Single(bytes.Distinct());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Export_ViewsHeldOrJoined_GivesTheSameBytes(bool asFeast)
    {
        _lake.Sql($"COPY (SELECT 'u' || (hash(i) % 5) AS user_id, make_timestamptz({10 * Day} + CAST(hash(i + 7) % {20 * Day} AS BIGINT)) AS event_timestamp, i FROM range(30000) t(i)) TO '{_lake.In("many.parquet")}' (FORMAT PARQUET)");
        var labels = new LabelInput(_lake.In("many.parquet"), null, null);
        var request = new TrainingRequest(labels, ["weekly:n", "weekly:total", "limits:credit", "unkeyed:note"], null, false, JoinRules.Default with { AsFeast = asFeast }, new Dictionary<string, long>());
        var (held, joined) = (_lake.Export(request, "a.parquet"), _lake.Export(request, "a.parquet", holds: false));

        Assert.Equal(held.ToJson(), joined.ToJson());
        Assert.Equal(30_000, held.Rows);
        Assert.NotEqual(30_000, held.Columns.First(c => c.Name == "total").Nulls);
    }

    [Fact]
    public void Export_OnePartOrSeveral_GivesTheSameBytes()
    {
        _lake.Sql($"COPY (SELECT 'u' || (hash(i) % 5) AS user_id, make_timestamptz({10 * Day} + CAST(hash(i + 7) % {20 * Day} AS BIGINT)) AS event_timestamp, i FROM range(300000) t(i)) TO '{_lake.In("many.parquet")}' (FORMAT PARQUET)");
        var request = new TrainingRequest(new LabelInput(_lake.In("many.parquet"), null, null), ["weekly:n", "weekly:total", "limits:credit"], null, false, JoinRules.Default, new Dictionary<string, long>());
        var several = _lake.Export(new TrainingExport(_lake.Root) { PartRows = 122_880, PartBytes = 0 }, request, "a.parquet");
        var one = _lake.Export(new TrainingExport(_lake.Root) { PartRows = 122_880 }, request, "a.parquet");

        Assert.Equal(several.ToJson(), one.ToJson());
        Assert.Equal(300_000, one.Rows);
    }

    [Fact]
    public void Export_IntoAFolder_WritesAFileForEachDayInTheOrderOfTheLabels()
    {
        var manifest = _lake.Export(Labels(), "set");

        Assert.All(manifest.Files, f => Assert.Matches(@"^event_date=1970-01-\d\d/part-00000\.parquet$", f.Path));
        Assert.Equal(40, manifest.Files.Sum(f => f.Rows));
        var parts = manifest.Files.SelectMany(f => DataSetRows.Read(Path.Combine(_lake.In("set"), f.Path)).Rows).ToList();
        _lake.Export(Labels(), "one.parquet");
        Assert.Equal(DataSetRows.Read(_lake.In("one.parquet")).Rows, parts); // The labels are in the order of their days.
        _lake.Export(Labels(), "set");
        File.WriteAllText(_lake.In("set/event_date=1970-01-13/stray.parquet"), "x");
        Assert.Equal(["event_date=1970-01-13/stray.parquet was not written by the export"], DataSetCheck.Faults(DataSetTarget.Of(_lake.In("set"))));
    }

    [Fact]
    public void Export_BelowAFile_IsRefusedByItsName()
    {
        var file = _lake.Labels("taken", "x");
        Assert.Contains($"since {file} is a file", Assert.Throws<LabelException>(() => _lake.Export(Labels(), "taken/deep/a.parquet")).Message, StringComparison.Ordinal);
        Assert.Contains("is no folder", Assert.Throws<LabelException>(() => DataSetTarget.Below(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_ChangedBytes_AreTold()
    {
        _lake.Export(Labels(), "out.csv");
        var target = DataSetTarget.Of(_lake.In("out.csv"));
        Assert.StartsWith("user_id,event_timestamp,fraud,n,total,credit\nu0,1970-01-13T00:00:00.000000Z,0,", File.ReadAllText(target.Path), StringComparison.Ordinal);
        var bytes = File.ReadAllBytes(target.Path);
        bytes[^2] ^= 1;
        File.WriteAllBytes(target.Path, bytes);
        Assert.Equal(["out.csv has other bytes than were written"], DataSetCheck.Faults(target));
        File.AppendAllText(target.Path, "x");
        Assert.Contains("were written", Assert.Single(DataSetCheck.Faults(target)), StringComparison.Ordinal);
        File.Delete(target.Path);
        Assert.Equal(["out.csv is missing"], DataSetCheck.Faults(target));
    }

    [Fact]
    public void Export_IntoAFolderOfOthers_IsRefused()
    {
        Directory.CreateDirectory(_lake.In("mine"));
        File.WriteAllText(_lake.In("mine/letter.txt"), "dear");
        Assert.Throws<LabelException>(() => _lake.Export(Labels(), "mine"));
        Assert.Throws<LabelException>(() => _lake.Export(Labels(), "out.orc"));
        Assert.True(File.Exists(_lake.In("mine/letter.txt")));
    }
}
