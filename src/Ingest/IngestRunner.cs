using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest;

/// <summary>
/// Moves a topic of the change log into a change table: one bounded batch, one Delta commit with its position in it. It
/// starts after the position that the lake holds, so a kill at any point loses and doubles nothing.
/// </summary>
/// <param name="userColumn">Whose nulls are counted; null for none.</param>
/// <param name="timeColumn">Whose nulls are counted; null for none.</param>
/// <param name="options">What the events do not tell; the defaults when null.</param>
public sealed class IngestRunner(
    EmbeddedChangeLog log,
    LogTopic topic,
    IReadOnlyList<LakeColumn> columns,
    ChangeTable table,
    string? userColumn = null,
    string? timeColumn = null,
    EnvelopeOptions? options = null)
{
    /// <summary>Under this name the log reports how far the lake is.</summary>
    public const string Consumer = "lake";

    private const long BatchBytesMax = 32L << 20;
    private const int LookBackRows = 1_000;
    private readonly EnvelopeOptions _options = (options ?? EnvelopeOptions.Default) with { Source = options?.Source ?? topic.Name };

    private string AppId => $"log:{log.ClusterId}:{topic.TopicId}:0";

    /// <summary>Lands all that the topic holds now.</summary>
    public IngestResult Run(int batchRows, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchRows);
        var result = new IngestResult(0, 0);
        EnvelopeReader? reader = null;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var from = table.TxnVersion(AppId) + 1 ?? 0;
            var batch = log.Read(topic, from, batchRows, BatchBytesMax);
            if (batch.Count == 0)
            {
                return result;
            }

            reader ??= ReaderAt(from);
            var sorted = Sort(reader, batch);
            IngestSteps.Log.BatchRead();

            // Noted before the commit: a kill between them notes them again, which changes nothing.
            log.DeadLetters.Note(topic, sorted.Letters);
            IngestSteps.Log.LettersNoted();
            table.Append(sorted.Rows, new LakeTxn(AppId, batch[^1].Offset), cancellationToken);
            IngestSteps.Log.BatchLanded();
            log.NotePosition(topic, Consumer, batch[^1].Offset);
            IngestSteps.Log.PositionNoted();
            result = Add(result, sorted);
            progress?.Report(result.Rows);
        }
    }

    /// <summary>Reads the topic's dead letters again and lands those that are change events by now. Whatever ends it, the next replay goes on; no row lands twice.</summary>
    /// <returns>What was landed, and the letters that are left.</returns>
    public IngestResult Replay(int batchRows, CancellationToken cancellationToken)
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
        var sorted = new Sorted([], [], 0);
        foreach (var letter in letters)
        {
            var read = ReadAgain(letter);
            sorted.Rows.AddRange(read.Rows);
            sorted.Letters.AddRange(read.Letters);
            sorted = sorted with { Others = sorted.Others + read.Others };
        }

        table.Append(sorted.Rows, new LakeTxn($"{AppId}:replay", replay), cancellationToken);
        log.DeadLetters.End(topic, replay, sorted.Letters);
        return Add(result, sorted);
    }

    // A letter is read by a reader that stands where it lay, since the messages before it may decide its identity.
    private Sorted ReadAgain(DeadLetter letter) => Sort(ReaderAt(letter.Offset), log.Read(topic, letter.Offset, 1));

    private static Sorted Sort(EnvelopeReader reader, IReadOnlyList<StoredMessage> batch)
    {
        var rows = new List<ChangeRow>(batch.Count);
        var letters = new List<DeadLetter>();
        var others = 0;
        foreach (var stored in batch)
        {
            var read = reader.Read(stored.Message, stored.TimestampMillis);
            if (read.Row is { } row)
            {
                rows.Add(row);
                if (read.Second is { } second)
                {
                    rows.Add(second);
                }
            }
            else if (read.Fault is { } fault)
            {
                letters.Add(new DeadLetter(stored.Offset, fault.BytePosition, fault.Reason, fault.Path));
            }
            else
            {
                others++;
            }
        }

        return new Sorted(rows, letters, others);
    }

    /// <summary>A reader that has seen of the messages before an offset those that can matter: the newest, and of rows without a key all of its LSN.</summary>
    private EnvelopeReader ReaderAt(long offset)
    {
        var reader = new EnvelopeReader(columns, _options);
        if (log.LatestBefore(topic, offset) is not { } newest)
        {
            return reader;
        }

        var first = newest.Offset;
        if (IsKeyless(newest, out var lsn))
        {
            for (var isSame = true; isSame && first > 0;)
            {
                var page = log.Read(topic, Math.Max(0, first - LookBackRows), (int)Math.Min(LookBackRows, first));
                var other = page.LastOrDefault(m => !IsKeyless(m, out var its) || its != lsn);
                isSame = other is null;
                first = other is null ? Math.Max(0, first - LookBackRows) : other.Offset + 1;
            }
        }

        for (var next = first; next <= newest.Offset; next += LookBackRows)
        {
            _ = Sort(reader, log.Read(topic, next, (int)Math.Min(LookBackRows, newest.Offset - next + 1)));
        }

        return reader;
    }

    private bool IsKeyless(StoredMessage message, out long lsn)
    {
        var row = new EnvelopeReader(columns, _options).Read(message.Message, message.TimestampMillis).Row;
        lsn = row?.Lsn ?? -1;
        return row is not null && row.Part <= ChangeColumns.KeylessPart(0);
    }

    private IngestResult Add(IngestResult result, Sorted sorted) => new(
        result.Rows + sorted.Rows.Count,
        result.DeadLetters + sorted.Letters.Count,
        result.NullUsers + Nulls(sorted.Rows, userColumn),
        result.NullTimes + Nulls(sorted.Rows, timeColumn),
        result.Others + sorted.Others);

    // A delete carries fillers instead of values, and an unavailable column has a value elsewhere.
    private int Nulls(List<ChangeRow> rows, string? column)
    {
        var index = column is null ? -1 : columns.Select(c => c.Name).ToList().IndexOf(column);
        return index < 0 ? 0 : rows.Count(r => r.Op is not ("d" or "t") && r.Values[index] is null && !r.Unavailable.Contains(column!));
    }

    private sealed record Sorted(List<ChangeRow> Rows, List<DeadLetter> Letters, int Others);
}
