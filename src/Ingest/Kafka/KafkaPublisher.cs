using Confluent.Kafka;
using FeatureStore.Ingest.Postgres;
using LogMessage = FeatureStore.Ingest.ChangeLog.LogMessage;

namespace FeatureStore.Ingest.Kafka;

/// <summary>
/// Sends a capture's events to Kafka as Debezium's connector would: to <c>prefix.schema.table</c>, changes of one key to one partition in order. After a kill
/// some come again, equal in position and key.
/// </summary>
/// <param name="prefix">The first part of the topics' names.</param>
/// <param name="note">Told of what clients mend by themselves.</param>
public sealed class KafkaPublisher(KafkaOptions options, string prefix, Action<string> note) : IChangePublisher, IDisposable
{
    private const string OldKey = "__debezium.oldkey";
    private const int QueueKilobytes = 32 * 1024;
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(65); // Longer than a delivery may take.
    private readonly KafkaClients _clients = new(options, note);
    private IProducer<byte[], byte[]>? _producer;
    private byte[]? _keyBefore;
    private Error? _fault;

    /// <exception cref="KafkaSourceException">Kafka does not take it, or did not take one before.</exception>
    public void Publish(PostgresTable table, LogMessage message)
    {
        // Keys go where Java's clients put them, and one request at a time keeps the order when one is tried again.
        _producer ??= _clients.Producer("queue.buffering.max.kbytes", $"{QueueKilobytes}", "partitioner", "murmur2_random", "max.in.flight.requests.per.connection", "1");
        var record = new Message<byte[], byte[]> { Key = message.Key!, Value = message.Value! };
        if (message.CreateHalf)
        {
            // The delete of the old key went just before.
            record.Headers = new Headers { { OldKey, _keyBefore } };
        }

        _keyBefore = message.Key;
        var topic = $"{prefix}.{table}";
        for (var isFull = true; isFull;)
        {
            ThrowIfFailed();
            try
            {
                _producer.Produce(topic, record, report => Note(report.Error));
                isFull = false;
            }
            catch (ProduceException<byte[], byte[]> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
            {
                Flush();
            }
            catch (ProduceException<byte[], byte[]> e)
            {
                throw Failure(e.Error);
            }
        }
    }

    /// <exception cref="KafkaSourceException">Kafka did not take something.</exception>
    public void Flush()
    {
        if (_producer?.Flush(FlushTimeout) > 0)
        {
            Note(new Error(ErrorCode.Local_MsgTimedOut));
        }

        ThrowIfFailed();
    }

    public void Dispose() => _producer?.Dispose();

    private void Note(Error error)
    {
        if (error.IsError)
        {
            Interlocked.CompareExchange(ref _fault, error, null);
        }
    }

    private void ThrowIfFailed()
    {
        if (Volatile.Read(ref _fault) is { } fault)
        {
            throw Failure(fault);
        }
    }

    private KafkaSourceException Failure(Error error) =>
        new($"Kafka at {options.Shown} did not take a change event ({error.Code}): {error.Reason}. Nothing of its batch is landed. Start the broker, or let it take the topics {prefix}.* and messages of this size, and run the command again.");
}
