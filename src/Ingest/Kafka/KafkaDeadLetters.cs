using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using FeatureStore.Ingest.ChangeLog;

namespace FeatureStore.Ingest.Kafka;

/// <summary>Writes messages that are no change events into a topic beside theirs, each with its place, the reason, and what it was.</summary>
internal sealed class KafkaDeadLetters(KafkaClients clients) : IDisposable
{
    /// <summary>What the topic of letters is called behind the name of theirs.</summary>
    public const string Suffix = ".dead-letters";

    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(65); // Longer than a delivery may take.
    private IProducer<byte[], byte[]>? _producer;

    /// <summary>Writes letters, durably when the call returns. One that is written again has the same key and says the same.</summary>
    /// <exception cref="KafkaSourceException">The topic does not take them.</exception>
    public void Write(TopicPartition partition, IReadOnlyList<(DeadLetter Letter, ConsumeResult<byte[]?, byte[]?> Message)> letters)
    {
        var tooLarge = Send(partition, letters, isWhole: true);
        if (tooLarge.Count > 0)
        {
            // In base64 a message is larger than what was taken; it stays in its own topic, where its place leads.
            Send(partition, tooLarge, isWhole: false);
        }
    }

    private List<(DeadLetter Letter, ConsumeResult<byte[]?, byte[]?> Message)> Send(
        TopicPartition partition, IReadOnlyList<(DeadLetter Letter, ConsumeResult<byte[]?, byte[]?> Message)> letters, bool isWhole)
    {
        var topic = partition.Topic + Suffix;
        var outcomes = new Error?[letters.Count];
        _producer ??= clients.Producer();
        for (var i = 0; i < letters.Count; i++)
        {
            var (index, (letter, message)) = (i, letters[i]);
            var record = new Message<byte[], byte[]>
            {
                Key = Encoding.UTF8.GetBytes($"{partition.Topic}/{partition.Partition.Value}/{letter.Offset}"),
                Value = Json(partition, letter, message, isWhole),
            };
            try
            {
                _producer.Produce(topic, record, report => Volatile.Write(ref outcomes[index], report.Error));
            }
            catch (ProduceException<byte[], byte[]> e)
            {
                outcomes[index] = e.Error;
            }
        }

        _producer.Flush(FlushTimeout);
        var isTooLarge = outcomes.Select(o => isWhole && o?.Code == ErrorCode.MsgSizeTooLarge).ToList();
        if (outcomes.Where((o, i) => o is not { IsError: false } && !isTooLarge[i]).Take(1).ToList() is [var fault])
        {
            throw new KafkaSourceException($"The dead letters of {partition.Topic}, partition {partition.Partition.Value}, cannot be written to {topic} at {clients.Shown} ({fault?.Reason ?? "no answer came"}), so nothing of that batch was landed. Make the topic, or let this client write to it, and run the command again.");
        }

        return [.. letters.Where((_, i) => isTooLarge[i])];
    }

    public void Dispose() => _producer?.Dispose();

    private static byte[] Json(TopicPartition partition, DeadLetter letter, ConsumeResult<byte[]?, byte[]?> message, bool isWhole) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        topic = partition.Topic,
        partition = partition.Partition.Value,
        offset = letter.Offset,
        byte_position = letter.BytePosition,
        path = letter.Path,
        reason = letter.Reason,
        timestamp_ms = message.Message.Timestamp is { Type: not TimestampType.NotAvailable } sent ? sent.UnixTimestampMs : (long?)null,
        value_bytes = message.Message.Value?.Length,
        is_whole = isWhole,
        key = isWhole ? message.Message.Key : null,
        value = isWhole ? message.Message.Value : null,
        headers = isWhole ? (message.Message.Headers ?? []).Select(h => new { name = h.Key, value = h.GetValueBytes() }) : [],
    });
}
