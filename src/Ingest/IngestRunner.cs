using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest;

/// <summary>What a run landed: rows, and messages that were no change events.</summary>
public sealed record IngestResult(long Rows, long DeadLetters);

/// <summary>
/// Moves a topic of the change log into a change table: one bounded batch, one Delta commit with its position in it. It
/// starts after the position that the lake holds, so a kill at any point loses and doubles nothing.
/// </summary>
public sealed class IngestRunner(EmbeddedChangeLog log, LogTopic topic, IReadOnlyList<LakeColumn> columns, ChangeTable table)
{
    private readonly EnvelopeReader _reader = new(columns);

    private string AppId => $"log:{log.ClusterId}:{topic.TopicId}:0";

    /// <summary>Lands all that the topic holds now.</summary>
    public IngestResult Run(int batchRows, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var result = new IngestResult(0, 0);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var batch = log.Read(topic, table.TxnVersion(AppId) + 1 ?? 0, batchRows);
            if (batch.Count == 0)
            {
                return result;
            }

            var rows = new List<ChangeRow>(batch.Count);
            foreach (var (offset, message) in batch)
            {
                var read = _reader.Read(message);
                if (read.Row is { } row)
                {
                    rows.Add(row);
                }
                else if (read.Fault is { } fault)
                {
                    // Noted before the commit: a kill between them notes it again, which changes nothing.
                    log.NoteDeadLetter(topic, offset, fault.BytePosition, fault.Reason);
                    result = result with { DeadLetters = result.DeadLetters + 1 };
                }
            }

            table.Append(rows, new LakeTxn(AppId, batch[^1].Offset), cancellationToken);
            result = result with { Rows = result.Rows + rows.Count };
            progress?.Report(result.Rows);
        }
    }
}
