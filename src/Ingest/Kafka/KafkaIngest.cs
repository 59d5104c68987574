using Confluent.Kafka;

namespace FeatureStore.Ingest.Kafka;

/// <summary>
/// Lands topics of Kafka as a member of a consumer group. Each partition begins where the lake says, whatever the group's offsets are; these are committed after the
/// lake is, for people and monitors. A partition that is taken away is dropped with what was not landed, and the lake refuses what came too late.
/// </summary>
/// <param name="note">Told what is worth knowing and mends itself.</param>
public sealed class KafkaIngest(KafkaOptions options, IReadOnlyList<KafkaTopic> topics, Action<string> note, TimeProvider time)
{
    // One commit of the lake for what trickles in within this time.
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan StallTimeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan ReportPeriod = TimeSpan.FromSeconds(10);
    private readonly KafkaClients _clients = new(options, note);

    /// <summary>Lands what the topics hold, or goes on until told to stop; then what is begun is ended first.</summary>
    /// <param name="report">Told now and then how far a partition is, if it moved, and at the end of each.</param>
    /// <returns>The partitions that this process had at the end or before.</returns>
    /// <exception cref="KafkaSourceException">Kafka cannot be used, or does not hold what the lake lacks.</exception>
    public IReadOnlyList<KafkaProgress> Run(KafkaRun run, Action<KafkaProgress> report, CancellationToken cancellationToken)
    {
        var wanted = Wanted(run.Follow);
        _clients.EnsureIdentity();
        using var deadLetters = new KafkaDeadLetters(_clients);
        using var lookBack = new KafkaLookBack(_clients, time);
        var parts = new KafkaAssignment(topics, _clients, lookBack, deadLetters, run, note, time);
        using var consumer = _clients.Make(() => parts.Attach(_clients.Consumer()).Build());
        try
        {
            consumer.Subscribe(wanted);
            Loop(run, consumer, parts, report, cancellationToken);
            var ends = parts.All();
            ends.ToList().ForEach(report);
            return ends;
        }
        finally
        {
            Leave(consumer);
        }
    }

    private List<string> Wanted(bool follow)
    {
        var there = _clients.Topics();
        var absent = topics.Select(t => t.Name).Where(t => !there.Contains(t)).ToList();
        if (!follow && absent.Count == topics.Count)
        {
            throw new KafkaSourceException($"Kafka at {options.Shown} has none of the topics {string.Join(", ", absent)}. Register the connector ('fstore connector register'), or correct fstore.kafka.topic_prefix.");
        }

        foreach (var topic in absent)
        {
            note($"Kafka at {options.Shown} has no topic {topic}{(follow ? " yet." : "; it is left out.")}");
        }

        return [.. topics.Select(t => t.Name).Where(t => follow || there.Contains(t))];
    }

    private void Loop(KafkaRun run, IConsumer<byte[]?, byte[]?> consumer, KafkaAssignment parts, Action<KafkaProgress> report, CancellationToken cancellationToken)
    {
        var (moved, reported) = (time.GetTimestamp(), time.GetTimestamp());
        while (!cancellationToken.IsCancellationRequested && (run.Follow || !parts.IsAtEnd))
        {
            var isMoved = Fill(consumer, parts, run, cancellationToken);
            parts.Land();
            moved = isMoved ? time.GetTimestamp() : moved;
            if (!run.Follow && time.GetElapsedTime(moved) > StallTimeout)
            {
                throw new KafkaSourceException($"Kafka at {options.Shown} gave nothing for {StallTimeout.TotalSeconds:0} s, and the end of its topics is not reached. Look at the broker and at the group {options.Group}, and run the command again; it goes on where the lake is.");
            }

            if (time.GetElapsedTime(reported) > ReportPeriod)
            {
                reported = time.GetTimestamp();
                parts.Changed().ToList().ForEach(report);
            }
        }
    }

    /// <summary>Takes messages until a batch is whole: full, a second old, or all that there is.</summary>
    /// <returns>True if anything came.</returns>
    private bool Fill(IConsumer<byte[]?, byte[]?> consumer, KafkaAssignment parts, KafkaRun run, CancellationToken cancellationToken)
    {
        var (rows, bytes, began) = (0, 0L, time.GetTimestamp());
        while (rows < run.BatchRows * Math.Max(1, parts.Count) && bytes < IngestRunner.BatchBytesMax && time.GetElapsedTime(began) < Linger && !cancellationToken.IsCancellationRequested)
        {
            var result = Consume(consumer, parts);
            parts.ThrowIfFaulted();
            if (result is not null)
            {
                bytes += parts.Take(result);
                rows++;
            }

            if (!run.Follow && parts.IsRead)
            {
                break;
            }
        }

        return rows > 0;
    }

    private ConsumeResult<byte[]?, byte[]?>? Consume(IConsumer<byte[]?, byte[]?> consumer, KafkaAssignment parts)
    {
        try
        {
            return consumer.Consume(PollPeriod);
        }
        catch (ConsumeException e)
        {
            parts.ThrowIfFaulted();
            switch (e.Error.Code)
            {
                case ErrorCode.OffsetOutOfRange or ErrorCode.Local_AutoOffsetReset:
                    var place = e.ConsumerRecord;
                    throw new KafkaSourceException($"{place?.Topic}, partition {place?.Partition.Value}: the broker does not hold offset {place?.Offset.Value} any more. Run the command again, which names the gap and the way out.", e);
                case ErrorCode.InvalidSessionTimeout:
                    throw new KafkaSourceException($"Kafka at {options.Shown} refuses the member of group {options.Group}: {e.Error.Reason}. Set fstore.kafka.session_timeout_ms between the broker's group.min.session.timeout.ms and group.max.session.timeout.ms.", e);
                case var code when e.Error.IsFatal || code is ErrorCode.TopicAuthorizationFailed or ErrorCode.GroupAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed:
                    throw _clients.Failure(e.Error, e);
                default:
                    _clients.Note(e.Error);
                    return null;
            }
        }
    }

    private static void Leave(IConsumer<byte[]?, byte[]?> consumer)
    {
        try
        {
            consumer.Close();
        }
        catch (KafkaException)
        {
            // The group finds out by itself.
        }
    }
}
