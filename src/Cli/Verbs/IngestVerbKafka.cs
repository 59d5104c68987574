using System.CommandLine;
using System.Globalization;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Ingest.Kafka;

namespace FeatureStore.Cli.Verbs;

/// <summary>What <c>fstore ingest --from kafka</c> takes, does and tells.</summary>
internal sealed class IngestVerbKafka
{
    private const string Log = "log";
    private const string Kafka = "kafka";
    private const string Offset = "offset";
    private readonly Option<string> _from = From();
    private readonly Option<string[]> _start = new("--start")
    {
        Description = "With kafka: where a partition begins that the lake holds nothing of: earliest (the default), latest, or offset N.",
        Arity = new ArgumentArity(1, 2),
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<bool> _acceptGap = new("--accept-gap") { Description = "With kafka: where the broker does not hold any more what the lake lacks, go on at --start instead of failing." };
    private readonly Option<bool> _follow = new("--follow") { Description = "With kafka: go on until told to stop; else end at what the topics hold at the start." };

    /// <summary>The option that says where events and their dead letters are.</summary>
    public static Option<string> From() => new("--from") { Description = "Where the events are: log (the embedded change log) or kafka.", DefaultValueFactory = _ => Log };

    /// <exception cref="UsageException">It is neither.</exception>
    public static bool IsKafka(string? from) => from is Log or Kafka ? from == Kafka : throw new UsageException($"--from is '{from}'; write {Log} or {Kafka}.");

    public void AddTo(Command command)
    {
        command.Add(_from);
        command.Add(_start);
        command.Add(_acceptGap);
        command.Add(_follow);
    }

    /// <summary>True if the command is for Kafka.</summary>
    /// <exception cref="UsageException">The options do not go together.</exception>
    public bool IsAsked(ParseResult parsed)
    {
        var isKafka = IsKafka(parsed.GetValue(_from));
        var isOption = parsed.GetValue(_start) is { Length: > 0 } || parsed.GetValue(_acceptGap) || parsed.GetValue(_follow);
        return isKafka || (isOption ? throw new UsageException($"--start, --accept-gap and --follow are for '--from {Kafka}'; the change log's topics are read whole.") : false);
    }

    public int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (json, repo, follow) = (parsed.GetValue(GlobalOptions.Json), GlobalOptions.Repo(parsed), parsed.GetValue(_follow));
        if (parsed.GetValue(_acceptGap) && parsed.GetValue(_start) is not { Length: > 0 })
        {
            throw new UsageException("--accept-gap needs --start, which says where to go on.");
        }

        var run = new KafkaRun(Start(parsed.GetValue(_start)), parsed.GetValue(_acceptGap), follow);
        KafkaFeed.Open(repo, Console.Error.WriteLine).Run(run, progress => Tell(json, repo, progress), cancellationToken);
        if (!follow)
        {
            // Told to stop before the end: what is landed is landed, but not all.
            cancellationToken.ThrowIfCancellationRequested();
        }

        return ExitCodes.Ok;
    }

    private static KafkaStart Start(string[]? words) => words switch
    {
        null or [] or ["earliest"] => new KafkaStart(KafkaStartKind.Earliest),
        ["latest"] => new KafkaStart(KafkaStartKind.Latest),
        [Offset, var number] when long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var offset) => new KafkaStart(KafkaStartKind.Offset, offset),
        _ => throw new UsageException($"--start is '{string.Join(' ', words)}'; write earliest, latest, or offset and a number."),
    };

    private static void Tell(bool json, Repo repo, KafkaProgress progress)
    {
        var (table, landed) = (KafkaFeed.Table(repo, progress.Topic), progress.Landed);
        Answer.Object(
            json,
            string.Create(CultureInfo.InvariantCulture, $"{table} from {progress.Topic}/{progress.Partition}: {IngestVerb.Text(landed)}; {progress.LagEvents:N0} messages{(progress.LagSeconds is > 0 and var lag ? $" and {lag:N0} s" : string.Empty)} behind"),
            new
            {
                Table = table,
                progress.Topic,
                progress.Partition,
                landed.Rows,
                landed.DeadLetters,
                landed.NullUsers,
                landed.NullTimes,
                landed.Others,
                progress.Offset,
                progress.LagEvents,
                progress.LagSeconds,
            });
    }
}
