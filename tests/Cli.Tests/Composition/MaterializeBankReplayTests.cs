using FeatureStore.Cli.Composition;
using FeatureStore.Jobs.Materialize;
using FeatureStore.Registry.Files;
using Microsoft.Data.Sqlite;

namespace FeatureStore.Cli.Tests.Composition;

/// <summary>The Parquet files that Feast materialized, materialized by us: the SQLite store is the one that Feast left, row by row and column by column.</summary>
public sealed class MaterializeBankReplayTests : IDisposable
{
    private const string Definitions =
        $$"""
        entities: [{name: user, join_keys: [user_id], value_type: STRING}]
        sources:
          - {name: transactions, path: user_transactions, timestamp_field: event_timestamp, created_timestamp_column: created_timestamp}
          - {name: demographics, path: user_demographics, timestamp_field: event_timestamp, created_timestamp_column: created_timestamp}
        feature_views:
          - name: user_transactions_l1w
            entities: [user]
            source: transactions
            schema:
        {{RecordedSchemas.Weekly}}
          - name: user_demographics
            entities: [user]
            source: demographics
            schema: [{name: age, dtype: Int32}, {name: gender, dtype: String}, {name: location, dtype: String}, {name: occupation, dtype: String}]
        """;

    // As recorded: feast materialize 2026-09-01 2026-11-02.
    private static readonly DateTimeOffset Start = new(2026, 9, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset End = new(2026, 11, 2, 0, 0, 0, TimeSpan.Zero);

    private readonly string _folder = Directory.CreateTempSubdirectory("bank").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Materialize_FeastsParquet_LeavesFeastsStore()
    {
        var repo = Make();
        foreach (var view in repo.Snapshot().FeatureViews.Values)
        {
            await new Pipeline(repo).MaterializeAsync(view, MaterializeRange.Between(Start, End, End), isIncremental: false, null, CancellationToken.None);
        }

        var (ours, feasts) = (Path.Combine(_folder, "data", "online.db"), Golden("online_store.db"));
        var compared = 0;
        foreach (var view in repo.Snapshot().FeatureViews.Keys)
        {
            var expected = Dump(feasts, view);
            Assert.Equal(expected, Dump(ours, view));
            compared += expected.Count;
        }

        Assert.Equal(220, compared);
    }

    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", name);

    private static List<string> Dump(string path, string view)
    {
        using var connection = new SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT hex(entity_key) || ' ' || feature_name || ' ' || hex(value) || ' ' || coalesce(value_text, '-') || ' ' || coalesce(vector_value, '-') || ' ' "
            + $"|| event_ts || ' ' || coalesce(created_ts, '-') FROM bank_features_{view} ORDER BY entity_key, feature_name";
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }

    private Repo Make()
    {
        foreach (var table in new[] { "user_transactions", "user_demographics" })
        {
            var folder = Path.Combine(_folder, "data", "lake", table);
            Directory.CreateDirectory(folder);
            File.Copy(Golden($"{table}.parquet"), Path.Combine(folder, $"{table}.parquet"));
        }

        Directory.CreateDirectory(Path.Combine(_folder, "features"));
        File.WriteAllText(Path.Combine(_folder, "feature_store.yaml"), "project: bank_features\nregistry: data/registry.db\n");
        File.WriteAllText(Path.Combine(_folder, "features", "all.yaml"), Definitions);
        var repo = Repo.Open(null, _folder);
        RegistryApplier.Apply(repo.Config, null, TimeProvider.System, CancellationToken.None);
        return repo;
    }
}
