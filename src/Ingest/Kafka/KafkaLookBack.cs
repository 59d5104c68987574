using Confluent.Kafka;
using FeatureStore.Ingest.ChangeLog;

namespace FeatureStore.Ingest.Kafka;

/// <summary>Asks what a partition holds, and reads what lay before a place, beside the consumer that reads on. It never joins the group.</summary>
internal sealed class KafkaLookBack(KafkaClients clients, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(500);
    private readonly IConsumer<byte[]?, byte[]?> _consumer = clients.Make(() => clients.Consumer().Build());

    /// <summary>The first offset that is there, and the one that the next message will get.</summary>
    /// <exception cref="KafkaSourceException">No broker answers.</exception>
    public (long First, long End) Bounds(TopicPartition partition)
    {
        var bounds = clients.Guard(() => _consumer.QueryWatermarkOffsets(partition, KafkaClients.AnswerTimeout));
        return (bounds.Low.Value, bounds.High.Value);
    }

    /// <summary>How many partitions a topic has now.</summary>
    /// <exception cref="KafkaSourceException">No broker answers.</exception>
    public int Partitions(string topic) => clients.Guard(() =>
    {
        using var admin = new DependentAdminClientBuilder(_consumer.Handle).Build();
        return admin.GetMetadata(topic, KafkaClients.AnswerTimeout).Topics.Single(t => t.Topic == topic).Partitions.Count;
    });

    /// <exception cref="KafkaSourceException">The messages do not come.</exception>
    public IReadOnlyList<StoredMessage> Read(TopicPartition partition, long first, long end) => clients.Guard<IReadOnlyList<StoredMessage>>(() =>
    {
        var messages = new List<StoredMessage>();
        _consumer.Assign(new TopicPartitionOffset(partition, first));
        try
        {
            var began = time.GetTimestamp();
            while (true)
            {
                if (_consumer.Consume(PollPeriod) is { } result)
                {
                    if (result.IsPartitionEOF || result.Offset >= end)
                    {
                        return messages;
                    }

                    messages.Add(KafkaClients.Stored(result));
                    if (result.Offset + 1 >= end)
                    {
                        return messages;
                    }
                }
                else if (time.GetElapsedTime(began) > ReadTimeout)
                {
                    throw new KafkaSourceException($"Kafka at {clients.Shown} did not give {partition.Topic}, partition {partition.Partition.Value}, offsets {first} to {end} within {ReadTimeout.TotalSeconds:0} s. Look at the broker, and run the command again.");
                }
            }
        }
        finally
        {
            _consumer.Unassign();
        }
    });

    public void Dispose() => _consumer.Dispose();
}
