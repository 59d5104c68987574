using System.Globalization;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Ingest.Kafka;

namespace FeatureStore.Cli.Verbs;

/// <summary>
/// The demo on servers: a bank in PostgreSQL whose changes come into the lake by native capture, and into a second lake as events through Kafka. Both lakes lie on
/// S3 where a server is named, and must hold the same rows; features of the first go online into Redis.
/// </summary>
internal static class DemoFull
{
    private const string Name = "full";
    private const string KafkaName = "full-kafka";
    private const string Redis = "FSTORE_REDIS";
    private const string S3 = "FSTORE__S3__ENDPOINT";

    /// <summary>Days that are there before the capture begins are half of all; the others are streamed.</summary>
    private const int SnapshotShare = 2;

    /// <param name="isFresh">Begin with new topics and a new snapshot.</param>
    /// <exception cref="UsageException">No servers are named.</exception>
    public static Demo Make(Repo of, GenerateOptions options, bool isFresh)
    {
        if (Environment.GetEnvironmentVariable(Redis) is null)
        {
            throw new UsageException($"The full demo needs PostgreSQL, Kafka and Redis: run './fstore dev up' and then '. .dev/env', which names them ({Redis} is not set).");
        }

        var prefix = Prefix(of, isFresh);
        var repo = DemoRepo.Make(of, Name, Settings(prefix, prefix));
        var overKafka = DemoRepo.Make(of, KafkaName, Settings(prefix, prefix + "-kafka"));
        if (isFresh)
        {
            overKafka.RemoveData();
        }

        return DemoVerb.Generated(repo, options, ". .dev/env", (steps, pipeline, cancellationToken) => FillAsync(repo, overKafka, options, isFresh, steps, cancellationToken));
    }

    private static async Task<DemoFill> FillAsync(Repo repo, Repo overKafka, GenerateOptions options, bool isFresh, StepReport steps, CancellationToken cancellationToken)
    {
        Console.Out.WriteLine("Debezium itself is not run here, as it needs Kafka Connect: the events that go through Kafka are those that native capture makes, in Debezium's form.");
        var feed = new PostgresFeed(PostgresSettings.Address(repo.Config), TimeProvider.System);
        await GenerateAsync(Math.Max(options.Days / SnapshotShare, 1));
        await CaptureAsync(isFresh);
        var first = await GenerateAsync(null);
        await CaptureAsync(isNew: false);
        await steps.RunAsync("ingest", _ =>
        {
            var ends = KafkaFeed.Open(overKafka, Note).Run(new KafkaRun(new KafkaStart(KafkaStartKind.Earliest)), static _ => { }, cancellationToken);
            return Task.FromResult((true, string.Create(
                CultureInfo.InvariantCulture,
                $"from Kafka into the second lake: {ends.Sum(e => e.Landed.Rows):N0} rows landed from {ends.Count} partitions; {ends.Sum(e => e.Landed.DeadLetters):N0} dead letters")));
        });
        var (equal, total) = (0L, 0L);
        foreach (var topic in ChangeTopic.All)
        {
            var same = await steps.RunAsync("compare", _ =>
            {
                var result = SameRows.Compare(repo, overKafka, topic.LakePath, cancellationToken);
                return Task.FromResult((result, string.Create(CultureInfo.InvariantCulture, $"{topic.LakePath}: {result.Equal:N0} of {result.Total:N0} equal, captured and over Kafka, every column byte for byte")));
            });
            (equal, total) = (equal + same.Equal, total + same.Total);
        }

        return new DemoFill(first, (equal, total));

        Task<DateTimeOffset> GenerateAsync(int? daysMax) => steps.RunAsync("generate", async _ =>
        {
            var result = await feed.RunAsync(options, daysMax, cancellationToken);
            return (DemoVerb.MondayAfter(result.FirstDay), $"into PostgreSQL: {GenerateVerb.Text(result)}");
        });

        Task CaptureAsync(bool isNew) => steps.RunAsync("capture", async _ =>
        {
            using var publisher = KafkaFeed.Publisher(repo, Note);
            var result = await PostgresCapture.Open(repo, publisher).RunAsync(untilCaughtUp: true, isNew, null, cancellationToken);
            return (true, string.Create(CultureInfo.InvariantCulture, $"into the lake and to Kafka: {result.Snapshot:N0} rows of a snapshot, {result.Changes:N0} changes of {result.Transactions:N0} transactions"));
        });
    }

    private static void Note(string text) => Console.Error.WriteLine(text);

    // New topics for new lakes: what older lakes had is still in the old ones.
    private static string Prefix(Repo of, bool isFresh)
    {
        var file = Path.Combine(DemoRepo.Folder(of, Name), "topics");
        if (!isFresh && File.Exists(file))
        {
            return File.ReadAllText(file);
        }

        var prefix = $"bank-{Guid.NewGuid():N}";
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, prefix);
        return prefix;
    }

    private static string Settings(string prefix, string lake) => $$"""
        # Written by 'fstore demo --full'. The servers come from the environment: '. .dev/env'.
        project: bank_full
        provider: local
        registry: data/registry.db
        online_store:
          type: redis
          connection_string: ${{{Redis}}}
        offline_store:
          type: file
        entity_key_serialization_version: 3
        fstore:
          lake: {{(Environment.GetEnvironmentVariable(S3) is null ? "data/lake" : $"s3://transaction-data/{lake}")}}
          log: data/log.db
          kafka:
            topic_prefix: {{prefix}}

        """;
}
