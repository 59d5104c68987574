using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Tables;

namespace FeatureStore.OfflineStore.Tests.Lake.Upkeep;

/// <summary>A change table in a folder of its own, whose every commit adds rows with amounts that sum to zero.</summary>
internal sealed class UpkeepTable : IDisposable
{
    private const long Day = 86_400_000_000;
    private static readonly LakeColumn[] Columns = [new("user_id", LakeType.String), new("amount", LakeType.Double), new("time", LakeType.Timestamp)];

    public string Lake { get; } = Directory.CreateTempSubdirectory("upkeep").FullName;

    public string Root => Path.Combine(Lake, "cdc", "t");

    public DeltaLog Log => new(Root);

    public DeltaSnapshot Snapshot => Log.Read(CancellationToken.None)!;

    public void Dispose() => Directory.Delete(Lake, recursive: true);

    /// <summary>Appends one commit: pairs of rows on both sides of zero, inserts and updates, over several commit dates.</summary>
    public void Append(long number, Random random)
    {
        var rows = new List<ChangeRow>();
        for (var pair = 0; pair < 4; pair++)
        {
            var amount = random.Next(1, 1_000_000);
            var at = random.Next(3) * Day;
            rows.Add(Row(number, pair * 2, pair % 2 == 0 ? "c" : "u", at, amount));
            rows.Add(Row(number, (pair * 2) + 1, "c", random.Next(3) * Day, -amount));
        }

        ChangeTable.Open(Lake, "cdc/t", Columns).Append(rows, new LakeTxn("app", number), CancellationToken.None);
    }

    /// <summary>Rows and the sum of amounts of a version.</summary>
    public (long Rows, double Sum) Totals(DeltaSnapshot snapshot)
    {
        using var database = LakeDatabase.Open();
        using var connection = LakeDatabase.Connect(database, CancellationToken.None);
        using var reader = connection.Query($"SELECT count(*), coalesce(sum(amount), 0.0) FROM {new TableScan(Root, snapshot.Metadata).Sql(snapshot.Files.Values)}");
        return reader.NextChunk() ? (reader.Int64(0, 0), reader.Double(1, 0)) : default;
    }

    public List<string> Rows(DeltaSnapshot snapshot) =>
        [.. new LakeTable(Root).Rows(snapshot, null, CancellationToken.None).Order(StringComparer.Ordinal)];

    private static ChangeRow Row(long commit, int part, string op, long micros, double amount) =>
        new(op, "s", (commit * 100) + part, 0, $"{{\"id\":{(commit * 100) + part}}}", micros, [], [$"u{part}", amount, micros]);
}
