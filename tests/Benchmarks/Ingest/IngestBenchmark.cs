using System.Diagnostics;
using System.Globalization;
using FeatureStore.Generator;
using FeatureStore.Ingest;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Import;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Benchmarks.Ingest;

/// <summary>
/// The change log into the lake, beside a bare reader that takes the same messages out of the same log and does nothing with them: in turns, each run in
/// a process of its own.
/// </summary>
internal static class IngestBenchmark
{
    public const string ChildVerb = "ingest-run";
    private const string Ours = "ours";
    private const string Bare = "bare";
    private const ulong Seed = 20251102;
    private const int Days = 371;
    private const int RowsPerUser = 100;
    private const int BatchRows = 20_000; // As the verb takes.
    private const string Lake = "lake";
    private static readonly DateOnly FirstDay = new(2025, 1, 5);
    private static readonly ImportTable Table = ImportTable.Transactions;

    /// <param name="arguments">--rows N, --pairs N, --folder PATH.</param>
    public static int Run(string[] arguments)
    {
        var (rows, pairs, folder) = Parse(arguments);
        var messages = Ensure(rows, folder);
        Console.WriteLine($"{messages} messages, {new FileInfo(LogPath(folder)).Length >> 20} MiB of log");
        var ratios = new List<double>();
        for (var pair = 0; pair < pairs; pair++)
        {
            var (ours, bare) = (ChildRun.Measure(ChildVerb, Ours, arguments).Seconds, ChildRun.Measure(ChildVerb, Bare, arguments).Seconds);
            ratios.Add(ours / bare);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"pair {pair + 1}: {messages / ours:N0} rows/s, bare {messages / bare:N0}/s, ratio of time {ours / bare:F2}"));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"median ratio {ratios.Order().ElementAt(ratios.Count / 2):F2}"));
        return 0;
    }

    /// <summary>One measured run; prints seconds first.</summary>
    public static int RunChild(string which, string[] arguments)
    {
        var (_, _, folder) = Parse(arguments);
        var lake = Path.Combine(folder, Lake);
        if (which == Ours && Directory.Exists(lake))
        {
            Directory.Delete(lake, recursive: true);
        }

        using var log = EmbeddedChangeLog.Open(LogPath(folder));
        var topic = log.Topic(Table.Topic);
        var watch = Stopwatch.StartNew();
        var count = which == Ours
            ? new IngestRunner(log, topic, Table.Columns, ChangeTable.Open(lake, "cdc/transactions", Table.Columns), "user_id", Table.TimeColumn).Run(BatchRows, null, CancellationToken.None).Rows
            : Read(log, topic);
        ChildRun.Report(watch.Elapsed);
        return count == log.NextOffset(topic) ? 0 : 1;
    }

    private static long Read(EmbeddedChangeLog log, LogTopic topic)
    {
        long from = 0;
        while (log.Read(topic, from, BatchRows) is { Count: > 0 } batch)
        {
            from = batch[^1].Offset + 1;
        }

        return from;
    }

    private static long Ensure(long rows, string folder)
    {
        Directory.CreateDirectory(folder);
        using var log = EmbeddedChangeLog.Open(LogPath(folder));
        var topic = log.Topic(Table.Topic);
        if (log.Keep("messages", 0) is 0 && log.NextOffset(topic) == 0)
        {
            var users = (int)Math.Max(1, rows / RowsPerUser);
            var options = new SyntheticOptions(users, Days, Seed, FirstDay) { RowsPerUserAndDay = (double)rows / users / Days };
            foreach (var batch in new SyntheticBank(options).Changes().Chunk(BatchRows))
            {
                log.Append(topic, batch.Length, (i, lsn) => Message(batch[i], lsn));
            }
        }

        return log.NextOffset(topic);
    }

    private static LogMessage Message(TransactionChange change, long lsn)
    {
        var op = change.Kind switch { ChangeKind.Create => "c", ChangeKind.Update => "u", _ => "d" };
        var row = change.Row;
        return new LogMessage(
            EnvelopeWriter.Key(Table.KeyColumn, row.TransactionId),
            EnvelopeWriter.Write(Table.Name, Table.Columns, new ChangeRow(op, "bank", lsn, 0, null, change.CommitMicros, [], [row.UserId, row.TransactionId, row.Amount, row.Vendor, row.Sources, row.TimeMicros])));
    }

    private static string LogPath(string folder) => Path.Combine(folder, "log.db");

    private static (long Rows, int Pairs, string Folder) Parse(string[] arguments)
    {
        var named = arguments.Chunk(2).ToDictionary(p => p[0], p => p[1]);
        var rows = long.Parse(named.GetValueOrDefault("--rows", "1000000"), CultureInfo.InvariantCulture);
        return (rows, int.Parse(named.GetValueOrDefault("--pairs", "3"), CultureInfo.InvariantCulture), named.GetValueOrDefault("--folder", Path.Combine(Path.GetTempPath(), $"fstore-ingest-{rows}")));
    }
}
