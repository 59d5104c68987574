using System.CommandLine;
using System.Globalization;
using System.Text;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Ingest.ChangeLog;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore ingest dead-letters list|show|replay</c>: the messages that were no change events, of the change log or of Kafka.</summary>
internal static class IngestVerbDeadLetters
{
    private const int LettersMax = 100_000;
    private static readonly string[] Columns = ["topic", "partition", "offset", "byte", "path", "reason"];

    // Lenient, so that bytes that are no UTF-8 are shown as what they are not.
    private static readonly UTF8Encoding Utf8 = new();

    public static Command Create() => new("dead-letters", "Messages that could not be read: look at them, and land them when what was wrong is put right.") { List(), Show(), Replay() };

    private static Option<string?> Topic() => new("--topic") { Description = "Only of this topic." };

    private static Command List()
    {
        var (from, topic) = (IngestVerbKafka.From(), Topic());
        var limit = new Option<int>("--limit") { Description = $"At most so many, up to {LettersMax}.", DefaultValueFactory = _ => 100 };
        var command = new Command("list", "Where each is, and why; no values. Example: fstore ingest dead-letters list --from kafka") { from, topic, limit };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(limit) is < 1 or > LettersMax)
            {
                throw new UsageException($"--limit takes a number from 1 to {LettersMax}.");
            }

            using var letters = Open(parsed, from);
            Answer.Rows(
                parsed.GetValue(GlobalOptions.Json),
                Columns,
                letters.List(parsed.GetValue(topic), parsed.GetValue(limit))
                    .Select(l => (IReadOnlyList<object?>)[l.Topic, l.Partition, l.Letter.Offset, l.Letter.BytePosition, l.Letter.Path, l.Letter.Reason]));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Show()
    {
        var from = IngestVerbKafka.From();
        var topic = new Option<string>("--topic") { Description = "Its topic.", Required = true };
        var partition = new Option<int>("--partition") { Description = "Its partition; the change log has 0 alone.", DefaultValueFactory = _ => 0 };
        var offset = new Option<long>("--offset") { Description = "Its offset.", Required = true };
        var payload = new Option<bool>("--payload") { Description = "Print key and value as they are stored, which may hold what is nobody's business." };
        var command = new Command("show", "One of them. Example: fstore ingest dead-letters show --topic bank.public.transactions --offset 17 --payload") { from, topic, partition, offset, payload };
        command.SetAction(parsed =>
        {
            var (name, part, place) = (parsed.GetValue(topic)!, parsed.GetValue(partition), parsed.GetValue(offset));
            using var letters = Open(parsed, from);
            if (letters.Find(name, part, place) is not { } found)
            {
                Console.Error.WriteLine($"fstore: {name} has no dead letter at offset {place} of partition {part}; 'fstore ingest dead-letters list' shows those that there are.");
                return ExitCodes.No;
            }

            var data = Data(name, part, found.Letter, found.Message, found.ValueBytes, parsed.GetValue(payload));
            Answer.Object(
                parsed.GetValue(GlobalOptions.Json),
                string.Join(Environment.NewLine, data.Select(d => string.Create(CultureInfo.InvariantCulture, $"{d.Name,-12} {d.Value}"))),
                data.ToDictionary(d => d.Name, d => d.Value));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static List<(string Name, object? Value)> Data(string topic, int partition, DeadLetter letter, StoredMessage? message, long? valueBytes, bool withPayload)
    {
        var sent = message?.TimestampMillis is { } millis ? Instant.Text(DateTimeOffset.FromUnixTimeMilliseconds(millis)) : null;
        var data = new List<(string Name, object? Value)>
        {
            ("topic", topic), ("partition", partition), ("offset", letter.Offset), ("byte", letter.BytePosition), ("path", letter.Path), ("reason", letter.Reason),
            ("sent", sent), ("key_bytes", message?.Message.Key?.Length), ("value_bytes", valueBytes),
        };
        if (withPayload)
        {
            data.Add(("key", Text(message?.Message.Key)));
            data.Add(("value", Text(message?.Message.Value)));
        }

        return data;
    }

    private static Command Replay()
    {
        var (from, topic) = (IngestVerbKafka.From(), Topic());
        var command = new Command(
            "replay",
            "Read them again, after the declaration or the program was put right, and land those that can be read; run again, it lands nothing twice. Example: fstore ingest dead-letters replay --from kafka") { from, topic };
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () =>
            {
                using var letters = Open(parsed, from);
                foreach (var (table, landed) in letters.Replay(parsed.GetValue(topic), cancellationToken))
                {
                    Answer.Object(
                        parsed.GetValue(GlobalOptions.Json),
                        string.Create(CultureInfo.InvariantCulture, $"{table}: {landed.Rows:N0} rows landed, {landed.DeadLetters:N0} dead letters left"),
                        new { Table = table, landed.Rows, DeadLettersLeft = landed.DeadLetters });
                }

                return ExitCodes.Ok;
            },
            CancellationToken.None));
        return command;
    }

    private static IDeadLetters Open(ParseResult parsed, Option<string> from)
    {
        var repo = GlobalOptions.Repo(parsed);
        return IngestVerbKafka.IsKafka(parsed.GetValue(from)) ? new KafkaLetters(repo, Console.Error.WriteLine) : LogIngest.Open(repo);
    }

    private static string? Text(byte[]? bytes) => bytes is null ? null : Utf8.GetString(bytes);
}
