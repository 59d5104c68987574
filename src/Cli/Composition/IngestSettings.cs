using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Import;
using FeatureStore.Registry.Configuration;

namespace FeatureStore.Cli.Composition;

/// <summary>
/// What <c>feature_store.yaml</c> says of ingest: <c>fstore: {ingest: {time_units: {transactions: {time: milliseconds}}}}</c>, needed only for events
/// without a schema whose connector does not count microseconds.
/// </summary>
internal static class IngestSettings
{
    private const string Place = "fstore.ingest.time_units";

    /// <exception cref="UsageException">A block, table column or unit is wrong.</exception>
    public static IReadOnlyDictionary<string, TimeKind> TimeUnits(RepoConfig config, ImportTable table)
    {
        var units = new Dictionary<string, TimeKind>();
        var tables = Block(Block(config.Fstore, "ingest", "fstore.ingest"), "time_units", Place);
        foreach (var (column, unit) in Block(tables, table.Name, $"{Place}.{table.Name}"))
        {
            if (table.Columns.All(c => c.Name != column))
            {
                throw new UsageException($"{Place}.{table.Name} names '{column}', which is no column of {table.Name}; correct it in {RepoConfig.FileName}.");
            }

            units[column] = unit switch
            {
                "microseconds" => TimeKind.Microseconds,
                "milliseconds" => TimeKind.Milliseconds,
                "nanoseconds" => TimeKind.Nanoseconds,
                _ => throw new UsageException($"{Place}.{table.Name}.{column} is '{unit}'; write milliseconds, microseconds or nanoseconds in {RepoConfig.FileName}."),
            };
        }

        return units;
    }

    private static IReadOnlyDictionary<string, object?> Block(IReadOnlyDictionary<string, object?> parent, string key, string place) =>
        !parent.TryGetValue(key, out var value) || value is null
            ? new Dictionary<string, object?>()
            : value as IReadOnlyDictionary<string, object?> ?? throw new UsageException($"{place} must be a block of keys; correct it in {RepoConfig.FileName}.");
}
