using System.Globalization;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.DataSets;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.PointInTime;
using FeatureStore.OfflineStore.Tests.Features;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.OfflineStore.Tests.PointInTime;

/// <summary>The export against the slow join, row for row in the order of the labels, and its leakage report.</summary>
public sealed class ExportOracleTests : IDisposable
{
    private const long Day = BankView.Day;
    private const long ScoreTtl = 2 * Day;
    private const int SeedsPerTable = 125;
    private const string NoWindow = "null|null|null|null|null|null";
    private static readonly long[] Times = [20 * Day, 24 * Day, 27 * Day, (27 * Day) + (Day / 2)];
    private static readonly long[] Ages = [0, 0, 0, ScoreTtl, 3 * Day, 7 * Day, Day / 12];
    private readonly string _root = Directory.CreateTempSubdirectory("export-oracle").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    // 8 tables of 125 seeds, each exported under all rules; every other table has truncates and skips empty windows. Half of them join views that the
    // others hold in memory.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public void Export_RandomHistories_AgreesWithTheSlowJoin(int table)
    {
        var zero = table % 2 == 0;
        var ttl = table % 3 * Day;
        var seeds = Enumerable.Range(table * SeedsPerTable, SeedsPerTable).ToList();
        var histories = seeds.Select(seed => RandomHistory.Rows(seed, Times, truncates: !zero)).ToList();
        var scores = seeds.Select(RandomLabels.Scores).ToList();
        var labels = seeds.SelectMany((seed, i) => RandomLabels.Labels(seed, histories[i], scores[i], Ages)).OrderBy(l => l.Time * 7919 % 1_000_003).ToList();
        Prepare(histories, scores.SelectMany(s => s).ToList(), labels, zero);
        var weekly = FeatureRows.Read(_root).Select(Weekly).OrderBy(c => c.Known).ToList();
        var versions = histories.Select(h => NaiveFeatures.Versions(h)).ToList();

        foreach (var rules in AllRules())
        {
            var manifest = Export(rules, zero, ttl, holds: table is 0 or 1 or 4 or 7, out var actual);
            var expected = labels.Select(l => Row(rules, l)).ToList();
            var wrong = Enumerable.Range(0, labels.Count).Where(i => expected[i] != actual[i]).ToList();
            Assert.True(wrong.Count == 0, $"{rules}, seeds {string.Join(", ", wrong.Select(i => RandomHistory.SeedOf(labels[i].User!)).Distinct().Take(5))} of table {table}:\nright {string.Join("\n      ", wrong.Take(3).Select(i => expected[i]))}\nfound {string.Join("\n      ", wrong.Take(3).Select(i => actual[i]))}");
            var other = rules with { KnownTime = rules.KnownTime == KnownTime.Commit ? KnownTime.Event : KnownTime.Commit };
            var differing = expected.Zip(labels, (row, l) => row.Split('|').Zip(Row(other, l).Split('|')).Count(c => c.First != c.Second)).ToList();
            Assert.Equal((differing.Count(d => d > 0), differing.Sum()), (manifest.Leakage.Labels, manifest.Leakage.Values));
        }

        string Row(JoinRules rules, Label label)
        {
            var naive = new NaiveJoin(rules);
            var seed = int.Parse(RandomHistory.SeedOf(label.User!), CultureInfo.InvariantCulture) - (table * SeedsPerTable);
            var mine = scores[seed].Where(s => s.User is not null).Select(s => new Candidate(s.User!, s.Event, s.Created, $"{s.Value}"));
            return string.Join(
                '|',
                label.User,
                label.Other ?? "null",
                DataSetRows.Text(DateTimeOffset.UnixEpoch.AddTicks(label.Time * 10)),
                naive.Alive(versions[seed], label.User, label.Time, ttl, "null|null", v => $"{(v.Values[1] is double amount ? DataSetRows.Text(amount) : "null")}|{NaiveFeatures.Text(v.Values[2])}"),
                naive.Newest(mine, label.User, label.Time, ScoreTtl, "null"),
                naive.Newest(mine, label.Other, label.Time, ScoreTtl, "null"),
                rules.WindowAt == WindowAt.Label
                    ? naive.Window(versions[seed], label.User, label.Time, zero, NoWindow)
                    : naive.Newest(weekly, label.User, label.Time, 0, NoWindow));
        }
    }

    private static IEnumerable<JoinRules> AllRules() =>
    [
        JoinRules.Default,
        JoinRules.Default with { KnownTime = KnownTime.Event, WindowAt = WindowAt.Label },
        JoinRules.Default with { WindowAt = WindowAt.Label },
        JoinRules.Default with { WindowAt = WindowAt.Label, AvailableAfter = TimeSpan.FromHours(2) },
        JoinRules.Default with { KnownTime = KnownTime.Event, AvailableAfter = TimeSpan.FromDays(1) },
    ];

    private static Candidate Weekly(string row)
    {
        var cells = row.Split('|');
        return new Candidate(cells[0], long.Parse(cells[7], CultureInfo.InvariantCulture), long.Parse(cells[8], CultureInfo.InvariantCulture), string.Join('|', cells[1..7]));
    }

    private void Prepare(List<List<ChangeRow>> histories, List<Score> scores, List<Label> labels, bool zero)
    {
        ChangeTable.Open(_root, "cdc/transactions", BankView.Columns).Append([.. histories.SelectMany(h => h)], new LakeTxn("test", 1), CancellationToken.None);
        new WeeklyFeatures(_root).Compute(BankView.View(zero), Times, CancellationToken.None);
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(512, 1));
        using var connection = database.Connect();
        connection.Execute("SET TimeZone = 'UTC'; CREATE TABLE score (who VARCHAR, value BIGINT, event BIGINT, created BIGINT); CREATE TABLE label (user_id VARCHAR, other_id VARCHAR, t BIGINT)");
        Fill(connection, "score", scores.Select(s => new object?[] { s.User, s.Value, s.Event, s.Created }));
        Fill(connection, "label", labels.Select(l => new object?[] { l.User, l.Other, l.Time }));

        // Two files, the second after the first.
        Directory.CreateDirectory(Path.Combine(_root, "scores"));
        var half = scores.Count / 2;
        foreach (var (name, where) in new[] { ("a", $"rowid < {half}"), ("b", $"rowid >= {half}") })
        {
            connection.Execute($"COPY (SELECT who, value AS points, make_timestamptz(event) AS happened, make_timestamptz(created) AS written FROM score WHERE {where} ORDER BY rowid) TO '{_root}/scores/{name}.parquet' (FORMAT PARQUET)");
        }

        connection.Execute($"COPY (SELECT user_id, other_id, make_timestamptz(t) AS event_timestamp FROM label ORDER BY rowid) TO '{_root}/labels.parquet' (FORMAT PARQUET)");
    }

    private static void Fill(DuckDbConnection connection, string table, IEnumerable<object?[]> rows)
    {
        foreach (var part in rows.Chunk(1000))
        {
            connection.Execute($"INSERT INTO {table} VALUES {string.Join(", ", part.Select(r => $"({string.Join(", ", r.Select(c => c switch { null => "NULL", string s => $"'{s}'", _ => Convert.ToString(c, CultureInfo.InvariantCulture) }))})"))}");
        }
    }

    private DataSetManifest Export(JoinRules rules, bool zero, long ttl, bool holds, out IReadOnlyList<string> rows)
    {
        var request = new TrainingRequest(new LabelInput(Path.Combine(_root, "labels.parquet"), null, null), [], "all", true, rules, new Dictionary<string, long>());
        var target = DataSetTarget.Of(Path.Combine(_root, "out.parquet"));
        var export = new TrainingExport(_root);
        var manifest = (holds ? export : new TrainingExport(_root) { HeldBytes = 0 }).Run(Snapshot(zero, ttl), request, target, CancellationToken.None);
        rows = DataSetRows.Read(target.Path).Rows;
        Assert.Equal(rows.Count, manifest.Rows);
        return manifest;
    }

    private static RegistrySnapshot Snapshot(bool zero, long ttl)
    {
        var mapping = new Dictionary<string, string> { ["who"] = "user_id", ["points"] = "value" };
        FeatureViewModel[] views =
        [
            new("newest", [new("user_id", Kind.String)], [new("amount", Kind.Double), new("vendor", Kind.String)], TimeSpan.FromTicks(ttl * 10), true, new SourceModel("t", "cdc/transactions", "time", null, new Dictionary<string, string>()), null),
            new("score", [new("user_id", Kind.String)], [new("value", Kind.Int64)], TimeSpan.FromTicks(ScoreTtl * 10), true, new SourceModel("s", "scores", "happened", "written", mapping), null),
            BankView.View(zero),
        ];
        var none = new Dictionary<string, string>();
        ProjectionModel[] all =
        [
            new("newest", "newest", ["amount", "vendor"], none),
            new("score", "score", ["value"], none),
            new("score", "others", ["value"], new Dictionary<string, string> { ["user_id"] = "other_id" }),
            new("weekly", "weekly", ["n", "total", "avg", "least", "most", "vendors"], none),
        ];
        return new RegistrySnapshot("oracle", 3, views.ToDictionary(v => v.Name), new Dictionary<string, FeatureServiceModel> { ["all"] = new("all", all) });
    }
}
