using System.Diagnostics;
using System.Globalization;
using System.Text;
using FeatureStore.Generator;
using FeatureStore.Ingest;
using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Import;
using FeatureStore.Ingest.Kafka;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Benchmarks.Ingest;

/// <summary>
/// A topic of Kafka into the lake, beside a bare consumer that takes the same messages from the same broker and does nothing with them: in turns, each run in a process of
/// its own.
/// </summary>
internal static class KafkaBenchmark
{
    public const string ChildVerb = "kafka-ingest-run";
    private const string Ours = "ours";
    private const string Bare = "bare";
    private const string Servers = "--servers";
    private const ulong Seed = 20251102;
    private const int Days = 371;
    private const int RowsPerUser = 100;
    private const int WriteMax = 20_000; // Fewer than librdkafka's queue holds.
    private static readonly DateOnly FirstDay = new(2025, 1, 5);
    private static readonly ImportTable Table = ImportTable.Transactions;

    /// <param name="arguments">--messages N, --pairs N, --folder PATH.</param>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var (messages, pairs, _, _) = Parse(arguments);
        await using var server = await KafkaServer.StartAsync("num.partitions=1");
        var bytes = Fill(server, messages);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{messages} messages, {bytes / messages} bytes each"));
        string[] child = [.. arguments, Servers, server.Address];
        var ratios = new List<double>();
        for (var pair = 0; pair < pairs; pair++)
        {
            var (ours, bare) = (ChildRun.Measure(ChildVerb, Ours, child), ChildRun.Measure(ChildVerb, Bare, child));
            ratios.Add(ours.Seconds / bare.Seconds);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"pair {pair + 1}: {messages / ours.Seconds:N0} rows/s, bare {messages / bare.Seconds:N0}/s, ratio of time {ratios[^1]:F2}, of CPU {ours.CpuSeconds / bare.CpuSeconds:F2}"));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"median ratio {ratios.Order().ElementAt(ratios.Count / 2):F2}"));
        return 0;
    }

    /// <summary>One measured run; prints seconds first.</summary>
    public static int RunChild(string which, string[] arguments)
    {
        var (messages, _, folder, servers) = Parse(arguments);
        var lake = Path.Combine(folder, "lake");
        if (which == Ours && Directory.Exists(lake))
        {
            Directory.Delete(lake, recursive: true);
        }

        var watch = Stopwatch.StartNew();
        var count = which == Ours ? Land(servers!, lake) : KafkaRecords.Drain(servers!, Table.Topic);
        ChildRun.Report(watch.Elapsed);
        return count == messages ? 0 : 1;
    }

    private static long Land(string servers, string lake)
    {
        var table = ChangeTable.Open(lake, "cdc/transactions", Table.Columns);
        var options = EnvelopeOptions.Default with { KeyColumns = [Table.KeyColumn] };
        var client = new Dictionary<string, string>(KafkaServer.ClientSettings) { ["bootstrap.servers"] = servers, ["session.timeout.ms"] = "6000" };
        return new KafkaIngest(
            new KafkaOptions($"bench-{Environment.ProcessId}", "bench", client),
            [new KafkaTopic(Table.Topic, source => new IngestRunner(source, Table.Columns, table, "user_id", Table.TimeColumn, options))],
            Console.Error.WriteLine,
            TimeProvider.System).Run(new KafkaRun(new KafkaStart(KafkaStartKind.Earliest)), _ => { }, CancellationToken.None).Sum(p => p.Landed.Rows);
    }

    private static long Fill(KafkaServer server, int messages)
    {
        var users = Math.Max(1, messages / RowsPerUser);

        // A tenth more than is wanted, since the number of rows is random.
        var options = new SyntheticOptions(users, Days, Seed, FirstDay) { RowsPerUserAndDay = 1.1 * messages / users / Days };
        var (bytes, lsn) = (0L, 1L << 30);
        foreach (var batch in new SyntheticBank(options).Changes().Take(messages).Chunk(WriteMax))
        {
            var records = batch.Select(c => new KafkaRecord(Encoding.UTF8.GetBytes($$"""{"transaction_id":"{{c.Row.TransactionId}}"}"""), Encoding.UTF8.GetBytes(Envelope(c, lsn += 200)))).ToList();
            bytes += records.Sum(r => (long)r.Key!.Length + r.Value!.Length);
            server.Write(Table.Topic, records);
        }

        return bytes;
    }

    // As Debezium's connector 3 sends it with its defaults and without schemas: an update and a delete know of the old row its key alone.
    private static string Envelope(TransactionChange change, long lsn)
    {
        var (op, row, micros) = (change.Kind switch { ChangeKind.Create => "c", ChangeKind.Update => "u", _ => "d" }, change.Row, change.CommitMicros);
        var image = string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"user_id":"{{row.UserId}}","transaction_id":"{{row.TransactionId}}","amount":{{row.Amount:R}},"vendor":{{(row.Vendor is null ? "null" : $"\"{row.Vendor}\"")}},"sources":"{{row.Sources}}","time":{{row.TimeMicros}}}""");
        var old = $$"""{"user_id":null,"transaction_id":"{{row.TransactionId}}","amount":null,"vendor":null,"sources":null,"time":null}""";
        var source = string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"version":"3.7.0.Final","connector":"postgresql","name":"bank","ts_ms":{{micros / 1_000}},"snapshot":"false","db":"bank","sequence":"[\"{{lsn - 72}}\",\"{{lsn}}\"]","ts_us":{{micros}},"ts_ns":{{micros}}000,"schema":"public","table":"transactions","txId":{{lsn / 200}},"lsn":{{lsn}},"xmin":null,"origin":null,"origin_lsn":null}""");
        return $$"""{"before":{{(op == "d" ? old : "null")}},"after":{{(op == "d" ? "null" : image)}},"source":{{source}},"transaction":null,"op":"{{op}}","ts_ms":{{micros / 1_000}},"ts_us":{{micros}},"ts_ns":{{micros}}000}""";
    }

    private static (int Messages, int Pairs, string Folder, string? Servers) Parse(string[] arguments)
    {
        var named = arguments.Chunk(2).ToDictionary(p => p[0], p => p[1]);
        var messages = int.Parse(named.GetValueOrDefault("--messages", "1000000"), CultureInfo.InvariantCulture);
        return (
            messages,
            int.Parse(named.GetValueOrDefault("--pairs", "3"), CultureInfo.InvariantCulture),
            named.GetValueOrDefault("--folder", Path.Combine(Path.GetTempPath(), $"fstore-kafka-ingest-{messages}")),
            named.GetValueOrDefault(Servers));
    }
}
