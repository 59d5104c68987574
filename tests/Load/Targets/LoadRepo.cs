using System.Globalization;
using System.Text;
using Feast.Serving;
using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore;
using FeatureStore.OnlineStore.Redis;
using FeatureStore.OnlineStore.Sqlite;
using Google.Protobuf;

namespace FeatureStore.Load.Targets;

/// <summary>A feature repo of five views of ten doubles over one entity, and its rows. Every value follows from entity, view and feature.</summary>
internal sealed class LoadRepo(string folder, string? redisAddress)
{
    public const int Views = 5;
    public const int FeaturesPerView = 10;

    private const string Project = "load";
    private const int EntitiesPerWrite = 1_000;

    public string Folder { get; } = folder;

    public void WriteDefinitions()
    {
        Directory.CreateDirectory(Path.Combine(Folder, "features"));
        var store = redisAddress is null ? "type: sqlite\n  path: data/online.db" : $"type: redis\n  connection_string: \"{redisAddress}\"";
        File.WriteAllText(
            Path.Combine(Folder, "feature_store.yaml"),
            $"project: {Project}\nprovider: local\nregistry: data/registry.db\nonline_store:\n  {store}\nentity_key_serialization_version: 3\nfstore:\n  lake: data/lake\n  log: data/log.db\n");
        var yaml = new StringBuilder("entities:\n  - {name: user, join_keys: [user_id], value_type: INT64}\nsources:\n");
        for (var v = 0; v < Views; v++)
        {
            yaml.Append(CultureInfo.InvariantCulture, $"  - {{name: source_{v}, path: features/v{v}, timestamp_field: event_timestamp}}\n");
        }

        yaml.Append("feature_views:\n");
        foreach (var table in Tables())
        {
            yaml.Append(CultureInfo.InvariantCulture, $"  - name: {table.View}\n    entities: [user]\n    ttl: 3650d\n    source: source_{table.View[1..]}\n    schema:\n      - {{name: user_id, dtype: Int64}}\n");
            yaml.AppendJoin(string.Empty, table.Features.Select(f => $"      - {{name: {f}, dtype: Float64}}\n"));
        }

        yaml.Append("feature_services:\n  - name: load_v1\n    features:\n").AppendJoin(string.Empty, Tables().Select(t => $"      - {t.View}\n"));
        File.WriteAllText(Path.Combine(Folder, "features", "load.yaml"), yaml.ToString());
    }

    public async Task WriteRowsAsync(int entities, DateTimeOffset now)
    {
        await using IOnlineStore store = redisAddress is null
            ? new SqliteOnlineStore(Path.Combine(Folder, "data", "online.db"))
            : new RedisOnlineStore(new RedisOnlineStoreOptions(redisAddress, RedisDeployment.Redis, "mymaster", null, true), TimeProvider.System);
        await store.EnsureTablesAsync(Tables(), CancellationToken.None);
        for (var v = 0; v < Views; v++)
        {
            var view = v;
            foreach (var chunk in Enumerable.Range(0, entities).Chunk(EntitiesPerWrite))
            {
                var rows = chunk.Select(entity => new EncodedRow(
                    EntityKeyEncoder.Encode([("user_id", new Value { Int64Val = entity })], 3),
                    now.ToUnixTimeMilliseconds() * 1000,
                    null,
                    [.. Enumerable.Range(0, FeaturesPerView).Select(f => ValueBytes.Double(ValueOf(entity, view, f)))]));
                await store.WriteAsync(Tables()[v], [.. rows], OnlineWriteRule.NewerOrEqualWins, CancellationToken.None);
            }
        }
    }

    /// <summary>Requests that spread over all entities, so many rows in each.</summary>
    public static (byte[] Message, long[] Entities)[] Requests(int entities, int count, int rows) =>
    [
        .. Enumerable.Range(0, count).Select(i =>
        {
            var chosen = Enumerable.Range(0, rows).Select(r => (long)(((i * rows) + r) * 7919L % entities)).ToArray();
            var request = new GetOnlineFeaturesRequest { FeatureService = "load_v1" };
            request.Entities["user_id"] = new RepeatedValue { Val = { chosen.Select(e => new Value { Int64Val = e }) } };
            return (request.ToByteArray(), chosen);
        }),
    ];

    /// <summary>Reads an answer as a user would and compares every value and status.</summary>
    public static void Check(byte[] answer, long[] entities)
    {
        var message = GetOnlineFeaturesResponse.Parser.ParseFrom(answer);
        var columns = message.Metadata.FeatureNames.Val.Zip(message.Results).ToDictionary(c => c.First, c => c.Second);
        for (var v = 0; v < Views; v++)
        {
            for (var f = 0; f < FeaturesPerView; f++)
            {
                var column = columns[FeatureName(v, f)];
                for (var row = 0; row < entities.Length; row++)
                {
                    if (column.Statuses[row] != FieldStatus.Present || column.Values[row].DoubleVal != ValueOf(entities[row], v, f))
                    {
                        throw new InvalidDataException($"{FeatureName(v, f)} of entity {entities[row]} is not the value that was written.");
                    }
                }
            }
        }
    }

    private static double ValueOf(long entity, int view, int feature) => (entity * 1000) + (view * FeaturesPerView) + feature + 0.25;

    private static string FeatureName(int view, int feature) => $"v{view}_f{feature}";

    private static OnlineTable[] Tables() =>
        [.. Enumerable.Range(0, Views).Select(v => new OnlineTable(Project, $"v{v}", [.. Enumerable.Range(0, FeaturesPerView).Select(f => FeatureName(v, f))]))];
}
