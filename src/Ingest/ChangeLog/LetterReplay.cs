using FeatureStore.Ingest.Debezium;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.ChangeLog;

/// <summary>Reads a topic's dead letters again and lands those that are change events by now. Whatever ends it, the next replay goes on; no row lands twice.</summary>
public sealed class LetterReplay(
    EmbeddedChangeLog log,
    LogTopic topic,
    IReadOnlyList<LakeColumn> columns,
    ChangeTable table,
    string? userColumn = null,
    string? timeColumn = null,
    EnvelopeOptions? options = null)
{
    private readonly LogSource _source = new(log, topic);

    /// <summary>Replays.</summary>
    /// <returns>What was landed, and the letters that are left.</returns>
    public IngestResult Run(int batchRows, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchRows);
        var result = new IngestResult(0, 0);
        if (log.DeadLetters.Begun(topic) is { } begun)
        {
            result = Land(result, begun.Replay, begun.Letters, cancellationToken);
        }

        for (long from = 0; ;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var letters = log.DeadLetters.List(topic, from, batchRows);
            if (letters.Count == 0)
            {
                return result with { DeadLetters = log.DeadLetters.Count(topic) };
            }

            from = letters[^1].Offset + 1;
            var ready = letters.Where(l => ReadAgain(l).Letters.Count == 0).ToList();
            if (ready.Count > 0)
            {
                result = Land(result, log.DeadLetters.Begin(topic, ready), ready, cancellationToken);
            }
        }
    }

    private IngestResult Land(IngestResult result, long replay, IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken)
    {
        var sorted = new SortedBatch([], [], 0);
        foreach (var letter in letters)
        {
            var read = ReadAgain(letter);
            sorted.Rows.AddRange(read.Rows);
            sorted.Letters.AddRange(read.Letters);
            sorted = sorted with { Others = sorted.Others + read.Others };
        }

        table.Append(sorted.Rows, new LakeTxn($"{_source.AppId}:replay", replay), cancellationToken);
        log.DeadLetters.End(topic, replay, sorted.Letters);
        return result.Plus(sorted.Count(columns, userColumn, timeColumn));
    }

    // A letter is read by a reader that stands where it lay, since the messages before it may decide its identity.
    private SortedBatch ReadAgain(DeadLetter letter)
    {
        var reader = new TopicReader(_source, columns, options);
        return reader.Sort(reader.At(letter.Offset), log.Read(topic, letter.Offset, 1));
    }
}
