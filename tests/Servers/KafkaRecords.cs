using Confluent.Kafka;

namespace FeatureStore.Tests.Servers;

/// <summary>A record as a test writes or reads it.</summary>
public sealed record KafkaRecord(byte[]? Key, byte[]? Value, IReadOnlyDictionary<string, byte[]>? Headers = null);

/// <summary>Writes and reads a broker's topics by librdkafka, as any other program would.</summary>
public static class KafkaRecords
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    /// <summary>Writes records, in order, all acknowledged when the call returns; a topic that is not there is made by the broker.</summary>
    public static void Write(this KafkaServer server, string topic, IEnumerable<KafkaRecord> records)
    {
        using var producer = new ProducerBuilder<byte[]?, byte[]?>(new ProducerConfig(Settings(server)) { Acks = Acks.All }).SetLogHandler((_, _) => { }).Build();
        Write(producer, topic, records);
    }

    /// <summary>The same, by a producer that is there.</summary>
    public static void Write(IProducer<byte[]?, byte[]?> producer, string topic, IEnumerable<KafkaRecord> records)
    {
        Error? fault = null;
        foreach (var record in records)
        {
            var headers = new Headers();
            foreach (var (name, value) in record.Headers ?? new Dictionary<string, byte[]>())
            {
                headers.Add(name, value);
            }

            var message = new Message<byte[]?, byte[]?> { Key = record.Key, Value = record.Value };
            if (headers.Count > 0)
            {
                message.Headers = headers;
            }

            producer.Produce(topic, message, report => fault = report.Error.IsError ? report.Error : fault);
        }

        if (producer.Flush(Timeout) > 0 || fault is not null)
        {
            throw new InvalidOperationException($"{topic} was not written: {fault}");
        }
    }

    /// <summary>Everything that a topic holds, partition by partition.</summary>
    public static List<KafkaRecord> Read(this KafkaServer server, string topic)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig(Settings(server))).SetLogHandler((_, _) => { }).Build();
        var partitions = admin.GetMetadata(topic, Timeout).Topics.Single().Partitions.Select(p => new TopicPartition(topic, p.PartitionId)).ToList();
        using var consumer = new ConsumerBuilder<byte[]?, byte[]?>(new ConsumerConfig(Settings(server)) { GroupId = "read", EnablePartitionEof = true, EnableAutoCommit = false })
            .SetLogHandler((_, _) => { }).Build();
        var records = new List<KafkaRecord>();
        consumer.Assign(partitions.Select(p => new TopicPartitionOffset(p, Offset.Beginning)));
        for (var ends = 0; ends < partitions.Count;)
        {
            var result = consumer.Consume(Timeout) ?? throw new TimeoutException($"{topic} did not come to its end.");
            if (result.IsPartitionEOF)
            {
                ends++;
            }
            else
            {
                records.Add(new KafkaRecord(result.Message.Key, result.Message.Value));
            }
        }

        return records;
    }

    /// <summary>Takes everything that the first partition of a topic holds, and keeps nothing: what a bare consumer costs.</summary>
    /// <param name="servers">The broker's address.</param>
    /// <returns>How many records there were.</returns>
    public static long Drain(string servers, string topic)
    {
        var settings = new Dictionary<string, string>(KafkaServer.ClientSettings) { ["bootstrap.servers"] = servers };
        using var consumer = new ConsumerBuilder<byte[]?, byte[]?>(new ConsumerConfig(settings) { GroupId = "drain", EnablePartitionEof = true, EnableAutoCommit = false })
            .SetLogHandler((_, _) => { }).Build();
        consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.Beginning));
        for (var records = 0L; ; records++)
        {
            if ((consumer.Consume(Timeout) ?? throw new TimeoutException($"{topic} did not come to its end.")).IsPartitionEOF)
            {
                return records;
            }
        }
    }

    /// <summary>The first offset of a topic's first partition that is there, and the one behind its last.</summary>
    public static (long First, long End) Bounds(this KafkaServer server, string topic)
    {
        using var consumer = new ConsumerBuilder<byte[]?, byte[]?>(new ConsumerConfig(Settings(server)) { GroupId = "read" }).SetLogHandler((_, _) => { }).Build();
        var bounds = consumer.QueryWatermarkOffsets(new TopicPartition(topic, 0), Timeout);
        return (bounds.Low.Value, bounds.High.Value);
    }

    private static Dictionary<string, string> Settings(KafkaServer server) => new(KafkaServer.ClientSettings) { ["bootstrap.servers"] = server.Address };
}
