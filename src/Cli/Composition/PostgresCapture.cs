using FeatureStore.Ingest.Postgres;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Cli.Composition;

/// <summary>The bank's tables in PostgreSQL, each with the change table that the change log's topic of it lands in.</summary>
internal static class PostgresCapture
{
    private const string Name = "fstore";

    /// <param name="publisher">Gets every event too; null for none.</param>
    /// <param name="note">Told of what mends itself; null for nobody.</param>
    /// <exception cref="UsageException">The settings are absent or wrong.</exception>
    public static Capture Open(Repo repo, IChangePublisher? publisher = null, Action<string>? note = null)
    {
        var (config, lake) = (repo.Config, LakeOptions.Read(repo.Config));

        // The last table holds the progress, so that is the one where changes come all the time.
        var tables = ChangeTopic.All.Reverse()
            .Select(t => new CapturedTable(PostgresSettings.Table(t.Table), ChangeTable.Open(repo.Lake, t.LakePath, t.Table.Columns, lake))).ToList();
        var prefix = ChangeTopic.All[0].Table.Topic.Split('.')[0];
        var slot = PostgresSettings.Text(config, "slot") ?? Name;
        return new Capture(
            new CaptureOptions(PostgresSettings.Address(config), tables, prefix, slot, PostgresSettings.Text(config, "publication") ?? Name) { Publisher = publisher, Note = note }, TimeProvider.System);
    }
}
