using System.Text.Json;
using Confluent.Kafka;
using FeatureStore.Ingest.ChangeLog;

namespace FeatureStore.Ingest.Kafka;

/// <summary>A message of Kafka that was no change event, as its letter tells of it.</summary>
/// <param name="Topic">The message's own topic, where it lay at <see cref="Partition"/> and the letter's offset.</param>
/// <param name="ValueBytes">How long its value was; null for none.</param>
/// <param name="Message">The message as the reader of events takes it; null if it was too large for a letter and lies in its own topic alone.</param>
public sealed record KafkaLetter(string Topic, int Partition, DeadLetter Letter, long? ValueBytes, StoredMessage? Message)
{
    internal LetterPlace Place => new(Partition, Letter.Offset);

    /// <exception cref="KafkaSourceException">The record is no letter of ours.</exception>
    internal static KafkaLetter Read(TopicPartitionOffset place, JsonElement json)
    {
        try
        {
            var (partition, offset) = (json.GetProperty("partition").GetInt32(), json.GetProperty("offset").GetInt64());
            var letter = new DeadLetter(offset, json.GetProperty("byte_position").GetInt64(), json.GetProperty("reason").GetString()!, json.GetProperty("path").GetString()!);
            var bytes = json.GetProperty("value_bytes");
            return new KafkaLetter(
                json.GetProperty("topic").GetString()!,
                partition,
                letter,
                bytes.ValueKind == JsonValueKind.Null ? null : bytes.GetInt64(),
                json.GetProperty("is_whole").GetBoolean() ? Whole(offset, json) : null);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw NotOurs(place, e);
        }
    }

    internal static KafkaSourceException NotOurs(TopicPartitionOffset place, Exception cause) =>
        new($"{place.Topic}, partition {place.Partition.Value}, offset {place.Offset.Value} is no letter that fstore wrote. Let nothing else write into that topic; no letter was touched.", cause);

    private static StoredMessage Whole(long offset, JsonElement json)
    {
        var headers = new Headers();
        foreach (var header in json.GetProperty("headers").EnumerateArray())
        {
            headers.Add(header.GetProperty("name").GetString(), Bytes(header.GetProperty("value")));
        }

        // Letters of before have no time.
        var sent = json.TryGetProperty("timestamp_ms", out var time) && time.ValueKind == JsonValueKind.Number ? new Timestamp(time.GetInt64(), TimestampType.CreateTime) : default;
        return KafkaClients.Stored(new ConsumeResult<byte[]?, byte[]?>
        {
            Offset = offset,
            Message = new Message<byte[]?, byte[]?> { Key = Bytes(json.GetProperty("key")), Value = Bytes(json.GetProperty("value")), Headers = headers, Timestamp = sent },
        });
    }

    private static byte[]? Bytes(JsonElement element) => element.ValueKind == JsonValueKind.Null ? null : element.GetBytesFromBase64();
}

/// <summary>Where a message lay in its topic.</summary>
internal readonly record struct LetterPlace(int Partition, long Offset);
