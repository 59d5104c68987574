using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.DataSets;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.PointInTime;
using FeatureStore.OfflineStore.Tests.Features;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.OfflineStore.Tests.DataSets;

/// <summary>A small lake: the transactions of three users, their weekly features, and a plain file of limits.</summary>
internal sealed class DataSetFixture : IDisposable
{
    private const long Day = BankView.Day;

    public DataSetFixture()
    {
        Append(1, [.. Enumerable.Range(0, 30).Select(i => Change(i, $"u{i % 3}", i * 1.5, (10 + (i % 12)) * Day, (10 + (i % 12)) * Day))]);
        Compute();
        Sql($"COPY (SELECT 'u' || i AS user_id, i * 100 AS credit, make_timestamptz({5 * Day} + i) AS at FROM range(3) t(i)) TO '{Root}/limits.parquet' (FORMAT PARQUET)");
        Sql($"COPY (SELECT * FROM (VALUES ('a', make_timestamp({5 * Day})), ('b', make_timestamp({6 * Day}))) t(note, \"at\")) TO '{Root}/notes.parquet' (FORMAT PARQUET)");
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("data-set").FullName;

    public static RegistrySnapshot Snapshot { get; } = new(
        "bank",
        3,
        new Dictionary<string, FeatureViewModel>
        {
            ["weekly"] = BankView.View(zero: true),
            ["limits"] = new("limits", [new("user_id", Kind.String)], [new("credit", Kind.Int64)], TimeSpan.Zero, true, new SourceModel("limits", "limits.parquet", "at", null, new Dictionary<string, string>()), null),
            ["unkeyed"] = new("unkeyed", [new("__dummy_id", Kind.String)], [new("note", Kind.String)], TimeSpan.Zero, true, new SourceModel("notes", "notes.parquet", "at", null, new Dictionary<string, string>()), null),
        },
        new Dictionary<string, FeatureServiceModel>());

    public string In(string name) => Path.Combine(Root, name);

    public void Append(long version, IReadOnlyList<ChangeRow> rows, string table = "cdc/transactions") =>
        ChangeTable.Open(Root, table, BankView.Columns).Append(rows, new LakeTxn("test", version), CancellationToken.None);

    public void Compute() => new WeeklyFeatures(Root).Compute(BankView.View(zero: true), [14 * Day, 21 * Day, 28 * Day], CancellationToken.None);

    public static ChangeRow Change(int key, string user, double amount, long time, long commit) =>
        new("c", "s", key, 0, $"k{key}", commit, [], [user, amount, "v", time]);

    /// <summary>A file of labels, of the given lines.</summary>
    public string Labels(string name, params string[] lines)
    {
        File.WriteAllText(In(name), string.Join('\n', lines) + "\n");
        return In(name);
    }

    public DataSetManifest Export(string labels, string output, JoinRules? rules = null, LakeOptions? options = null, string features = "weekly:n,weekly:total,limits:credit") =>
        Export(new TrainingRequest(new LabelInput(labels, null, null), features.Split(','), null, false, rules ?? JoinRules.Default, new Dictionary<string, long>()), output, options);

    /// <param name="holds">Whether views may be held in memory, as small ones are.</param>
    public DataSetManifest Export(TrainingRequest request, string output, LakeOptions? options = null, bool holds = true) =>
        Export(holds ? new TrainingExport(Root, options) : new TrainingExport(Root, options) { HeldBytes = 0 }, request, output);

    public DataSetManifest Export(TrainingExport export, TrainingRequest request, string output) => export.Run(Snapshot, request, DataSetTarget.Of(In(output)), CancellationToken.None);

    public void Sql(string sql)
    {
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(512, 1));
        using var connection = database.Connect();
        connection.Execute("SET TimeZone = 'UTC'");
        connection.Execute(sql);
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
