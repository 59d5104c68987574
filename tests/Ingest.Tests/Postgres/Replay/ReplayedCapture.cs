using System.Text;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Postgres;
using FeatureStore.OfflineStore.Lake;
using Npgsql.Replication;
using Npgsql.Replication.Internal;
using Npgsql.Replication.PgOutput;

namespace FeatureStore.Ingest.Tests.Postgres.Replay;

/// <summary>The events that capture makes of a recorded stream, by table.</summary>
internal sealed class ReplayedCapture : IChangePublisher
{
    /// <summary>The recorded tables and their keys; one without a replica identity can be captured without a key only.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> Keys = new Dictionary<string, string[]>
    {
        ["public.transactions"] = ["transaction_id"],
        ["public.types"] = ["id"],
        ["public.composite_key"] = ["a", "b"],
        ["public.nokey_full"] = [],
        ["public.key_full"] = ["id"],
        ["public.nokey_default"] = [],
        ["public.key_nothing"] = [],
        ["public.key_index"] = ["code"],
        ["public.toast"] = ["id"],
        ["public.part"] = ["id", "region"],
        ["public.part_eu"] = ["id", "region"],
        ["public.part_us"] = ["id", "region"],
        ["public.gen"] = ["id"],
        ["public.defaults"] = ["id"],
        ["public.ddl"] = ["id"],
        ["public.parent"] = ["id"],
        ["public.child"] = ["id"],
        ["public.teen"] = ["n"],
        ["public.Odd Table-1.x"] = ["id"],
        ["sales.orders"] = ["id"],
    };

    private readonly List<(string Table, LogMessage Message)> _events = [];

    private ReplayedCapture(IReadOnlySet<long> ends) => Ends = ends;

    /// <summary>Ends of the commits that the recording holds.</summary>
    public IReadOnlySet<long> Ends { get; }

    public IEnumerable<LogMessage> this[string table] => _events.Where(e => e.Table == table).Select(e => e.Message);

    public void Publish(PostgresTable table, LogMessage message) => _events.Add((table.ToString(), message));

    public void Flush()
    {
    }

    /// <summary>Reads a recorded stream to its end.</summary>
    /// <param name="source">The connector's name in the events.</param>
    /// <param name="recorded">Tables that are captured.</param>
    public static async Task<ReplayedCapture> EventsAsync(string recording, string source, IReadOnlyDictionary<string, string[]> recorded, string database = "bank")
    {
        var lake = Directory.CreateTempSubdirectory("replay").FullName;
        try
        {
            await using var server = ReplayServer.Of(recording);
            var events = new ReplayedCapture(server.Ends);
            using var batch = Batch(lake, server.ConnectionString, source, recorded, events, database);
            await using var replication = new LogicalReplicationConnection(server.ConnectionString);
            await replication.Open();
            using var ending = new CancellationTokenSource(TimeSpan.FromMinutes(2)); // Against a stream that is shorter than it says.
            var left = server.Messages;
            await foreach (var message in replication.StartLogicalReplication(new PgOutputReplicationSlot("replay"), ending.Token, null, PgOutput.Options("replay")))
            {
                var bytes = new byte[message.Data.Length];
                await message.Data.ReadExactlyAsync(bytes, ending.Token);
                batch.Take(bytes, (long)(ulong)message.WalStart);
                if (--left == 0)
                {
                    break;
                }
            }

            Assert.Equal(events._events.Count, batch.Rows);
            return events;
        }
        finally
        {
            Directory.Delete(lake, recursive: true);
        }
    }

    /// <summary>What takes the messages of a stream of these tables.</summary>
    public static CaptureBatch Batch(string lake, string connection, string source, IReadOnlyDictionary<string, string[]> recorded, IChangePublisher? publisher, string database = "bank")
    {
        var tables = recorded.Select((t, i) => Captured(lake, t.Key, t.Value, i)).ToList();
        return new CaptureBatch(new CaptureOptions(PostgresAddress.Parse(connection), tables, source, "replay", "replay") { Publisher = publisher }, "replay", database, TimeProvider.System);
    }

    public static string Text(byte[]? json) => json is null ? string.Empty : Encoding.UTF8.GetString(json);

    private static CapturedTable Captured(string lake, string table, string[] keys, int number)
    {
        var parts = table.Split('.', 2);
        List<LakeColumn> columns = [.. keys.Select(k => new LakeColumn(k, LakeType.String))];
        if (columns.Count == 0)
        {
            columns.Add(new LakeColumn(table == "public.key_nothing" ? "id" : "a", LakeType.String));
        }

        return new CapturedTable(new PostgresTable(parts[0], parts[1], columns, keys), ChangeTable.Open(lake, $"t{number}", columns));
    }
}
