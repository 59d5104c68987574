using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest;

/// <summary>
/// Moves a topic's partition into a change table: one bounded batch, one Delta commit with its position in it. It starts after the position that the lake
/// holds, so a kill at any point loses and doubles nothing; and if another moved that position meanwhile, its batch is dropped and read again from there.
/// </summary>
/// <param name="userColumn">Whose nulls are counted; null for none.</param>
/// <param name="timeColumn">Whose nulls are counted; null for none.</param>
/// <param name="options">What the events do not tell; the defaults when null.</param>
public sealed class IngestRunner(
    ITopicSource source,
    IReadOnlyList<LakeColumn> columns,
    ChangeTable table,
    string? userColumn = null,
    string? timeColumn = null,
    EnvelopeOptions? options = null)
{
    /// <summary>Under this name the log reports how far the lake is.</summary>
    public const string Consumer = "lake";

    internal const long BatchBytesMax = 32L << 20;
    private readonly TopicReader _topic = new(source, columns, options);
    private readonly YoungGarbage _garbage = new();
    private EnvelopeReader? _reader;
    private long _readerAt;

    /// <summary>Of a topic of the embedded change log.</summary>
    public IngestRunner(
        EmbeddedChangeLog log, LogTopic topic, IReadOnlyList<LakeColumn> columns, ChangeTable table, string? userColumn = null, string? timeColumn = null, EnvelopeOptions? options = null)
        : this(new LogSource(log, topic), columns, table, userColumn, timeColumn, options)
    {
    }

    /// <summary>The last offset that the lake holds, or null.</summary>
    public long? Landed => table.TxnVersion(source.AppId);

    /// <summary>Lands all that the source holds now.</summary>
    public IngestResult Run(int batchRows, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var result = new IngestResult(0, 0);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Step(batchRows, cancellationToken) is not { } landed)
            {
                return result;
            }

            result = result.Plus(landed.Result);
            progress?.Report(result.Rows);
        }
    }

    /// <summary>Lands one batch; null if the source holds nothing now.</summary>
    public LandedBatch? Step(int batchRows, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchRows);
        var landed = Land(batchRows, cancellationToken);
        _garbage.Bound(); // The batch is garbage by now, and nothing of the next is there yet.
        return landed;
    }

    private LandedBatch? Land(int batchRows, CancellationToken cancellationToken)
    {
        var landed = Landed;
        var from = source.Next(landed);
        var batch = source.Read(from, batchRows, BatchBytesMax);
        if (batch.Count == 0)
        {
            return null;
        }

        if (_reader is null || _readerAt != from)
        {
            _reader = _topic.At(from);
        }

        var last = batch[^1].Offset;
        var sorted = _topic.Sort(_reader, batch);
        _readerAt = last + 1;
        IngestSteps.Log.BatchRead();

        // Noted before the commit: a kill between them notes them again, which changes nothing.
        source.NoteLetters(batch, sorted.Letters);
        IngestSteps.Log.LettersNoted();
        if (!table.AppendAfter(sorted.Rows, new LakeTxn(source.AppId, last), landed, cancellationToken))
        {
            _reader = null;
            return new LandedBatch(new IngestResult(0, 0), last, null, IsOvertaken: true);
        }

        IngestSteps.Log.BatchLanded();
        source.NoteLanded(last);
        IngestSteps.Log.PositionNoted();
        return new LandedBatch(sorted.Count(columns, userColumn, timeColumn), last, sorted.Rows.Count > 0 ? sorted.Rows[^1].CommitTimeMicros : null, IsOvertaken: false);
    }
}

/// <summary>What became of a batch.</summary>
/// <param name="Offset">Of its last message.</param>
/// <param name="CommitMicros">When the last of its changes was committed at the source; null if it has none.</param>
/// <param name="IsOvertaken">True if another moved the lake's position meanwhile: nothing was landed, and the next batch goes on from there.</param>
public sealed record LandedBatch(IngestResult Result, long Offset, long? CommitMicros, bool IsOvertaken);
