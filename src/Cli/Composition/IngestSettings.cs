using System.Globalization;
using FeatureStore.Ingest.Debezium;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Configuration;

namespace FeatureStore.Cli.Composition;

/// <summary>
/// What <c>feature_store.yaml</c> says of ingest under <c>fstore: ingest:</c>, needed only where a connector does not send what Debezium sends by default:
/// <c>time_units: {transactions: {time: milliseconds}}</c> and <c>decimal_scales: {transactions: {amount: 2}}</c> for events without a schema,
/// <c>unavailable_value: __x__</c> for another placeholder.
/// </summary>
internal static class IngestSettings
{
    private const string Root = "fstore.ingest";
    private const string Units = "time_units";
    private const string Scales = "decimal_scales";
    private const string Unavailable = "unavailable_value";
    private const int ScaleMax = 16_383; // PostgreSQL's.

    /// <exception cref="UsageException">A block, table column or value is wrong.</exception>
    public static EnvelopeOptions Options(RepoConfig config, ChangeTopic topic)
    {
        var ingest = Block(config.Fstore, "ingest", Root);
        return new EnvelopeOptions
        {
            KeyColumns = topic.KeyColumns,
            Times = Columns(ingest, topic, Units, LakeType.Timestamp, TimeUnit),
            Scales = Columns(ingest, topic, Scales, null, Scale),
            Unavailable = ingest.GetValueOrDefault(Unavailable) switch
            {
                null => EnvelopeOptions.UnavailableDefault,
                string { Length: > 0 } text => text,
                _ => throw new UsageException($"{Root}.{Unavailable} must be a text; correct it in {RepoConfig.FileName}."),
            },
        };
    }

    private static Dictionary<string, T> Columns<T>(IReadOnlyDictionary<string, object?> ingest, ChangeTopic topic, string key, LakeType? type, Func<string, object?, T> parse)
    {
        var values = new Dictionary<string, T>();
        var place = $"{Root}.{key}.{topic.Table.Name}";
        foreach (var (column, value) in Block(Block(ingest, key, $"{Root}.{key}"), topic.Table.Name, place))
        {
            if (topic.Table.Columns.All(c => c.Name != column || (type is not null && c.Type != type)))
            {
                throw new UsageException($"{place} names '{column}', which is no {(type is null ? string.Empty : "time ")}column of {topic.Table.Name}; correct it in {RepoConfig.FileName}.");
            }

            values[column] = parse($"{place}.{column}", value);
        }

        return values;
    }

    private static TimeKind TimeUnit(string place, object? unit) => unit switch
    {
        "microseconds" => TimeKind.Microseconds,
        "milliseconds" => TimeKind.Milliseconds,
        "nanoseconds" => TimeKind.Nanoseconds,
        _ => throw new UsageException($"{place} is '{unit}'; write milliseconds, microseconds or nanoseconds in {RepoConfig.FileName}."),
    };

    private static int Scale(string place, object? scale) =>
        int.TryParse(Convert.ToString(scale, CultureInfo.InvariantCulture), NumberStyles.None, CultureInfo.InvariantCulture, out var digits) && digits <= ScaleMax
            ? digits
            : throw new UsageException($"{place} is '{scale}'; write the digits after the point, 0 to {ScaleMax}, in {RepoConfig.FileName}.");

    /// <summary>A block of keys within another; empty if it is not there.</summary>
    /// <exception cref="UsageException">It is no block.</exception>
    public static IReadOnlyDictionary<string, object?> Block(IReadOnlyDictionary<string, object?> parent, string key, string place) =>
        !parent.TryGetValue(key, out var value) || value is null
            ? new Dictionary<string, object?>()
            : value as IReadOnlyDictionary<string, object?> ?? throw new UsageException($"{place} must be a block of keys; correct it in {RepoConfig.FileName}.");
}
