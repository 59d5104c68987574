using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest;

/// <summary>What a run landed.</summary>
/// <param name="Rows">Rows in the lake.</param>
/// <param name="DeadLetters">Messages that were no change events.</param>
/// <param name="NullUsers">Landed rows, deletes aside, without a user: they are in no window.</param>
/// <param name="NullTimes">Landed rows, deletes aside, without an event time: they are in no window.</param>
public sealed record IngestResult(long Rows, long DeadLetters, long NullUsers = 0, long NullTimes = 0);

/// <summary>
/// Moves a topic of the change log into a change table: one bounded batch, one Delta commit with its position in it. It
/// starts after the position that the lake holds, so a kill at any point loses and doubles nothing.
/// </summary>
/// <param name="userColumn">Whose nulls are counted; null for none.</param>
/// <param name="timeColumn">Whose nulls are counted; null for none.</param>
/// <param name="times">What numbers of time columns mean in events without a schema; microseconds when not named.</param>
public sealed class IngestRunner(
    EmbeddedChangeLog log,
    LogTopic topic,
    IReadOnlyList<LakeColumn> columns,
    ChangeTable table,
    string? userColumn = null,
    string? timeColumn = null,
    IReadOnlyDictionary<string, TimeKind>? times = null)
{
    /// <summary>Under this name the log reports how far the lake is.</summary>
    public const string Consumer = "lake";

    private readonly EnvelopeReader _reader = new(columns, times);

    private string AppId => $"log:{log.ClusterId}:{topic.TopicId}:0";

    /// <summary>Lands all that the topic holds now.</summary>
    public IngestResult Run(int batchRows, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchRows);
        var result = new IngestResult(0, 0);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var batch = log.Read(topic, table.TxnVersion(AppId) + 1 ?? 0, batchRows);
            if (batch.Count == 0)
            {
                return result;
            }

            var (rows, letters) = Sort(batch);

            // Noted before the commit: a kill between them notes them again, which changes nothing.
            log.NoteDeadLetters(topic, letters);
            table.Append(rows, new LakeTxn(AppId, batch[^1].Offset), cancellationToken);
            log.NotePosition(topic, Consumer, batch[^1].Offset);
            result = new IngestResult(
                result.Rows + rows.Count,
                result.DeadLetters + letters.Count,
                result.NullUsers + Nulls(rows, userColumn),
                result.NullTimes + Nulls(rows, timeColumn));
            progress?.Report(result.Rows);
        }
    }

    private (List<ChangeRow> Rows, List<DeadLetter> Letters) Sort(IReadOnlyList<StoredMessage> batch)
    {
        var rows = new List<ChangeRow>(batch.Count);
        var letters = new List<DeadLetter>();
        foreach (var stored in batch)
        {
            var read = _reader.Read(stored.Message);
            if (read.Row is { } row)
            {
                rows.Add(row);
            }
            else if (read.Fault is { } fault)
            {
                letters.Add(new DeadLetter(stored.Offset, fault.BytePosition, fault.Reason));
            }
        }

        return (rows, letters);
    }

    // A delete carries fillers instead of values, and an unavailable column has a value elsewhere.
    private int Nulls(List<ChangeRow> rows, string? column)
    {
        var index = column is null ? -1 : columns.Select(c => c.Name).ToList().IndexOf(column);
        return index < 0 ? 0 : rows.Count(r => r.Op is not ("d" or "t") && r.Values[index] is null && !r.Unavailable.Contains(column!));
    }
}
