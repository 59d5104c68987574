using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest;

/// <summary>Reads the messages of a topic as changes. What a message means may hang on those before it, so a reader is placed where it begins.</summary>
internal sealed class TopicReader(ITopicPast source, IReadOnlyList<LakeColumn> columns, EnvelopeOptions? options)
{
    // Nearly always the newest message is enough to see, and far messages may be large.
    private const int LookBackRowsFirst = 8;
    private const int LookBackRowsMax = 1_000;
    private const int LookBackGrowth = 8;
    private const string Scattered = "The row has no key, and its topic has several partitions, so which of equal rows it is cannot be told. Give the topic one partition, or the table a key.";
    private readonly EnvelopeOptions _options = (options ?? EnvelopeOptions.Default) with { Source = options?.Source ?? source.Topic };

    /// <summary>A reader that has seen of the messages before an offset those that can matter: the newest, and of rows without a key all of its LSN.</summary>
    public EnvelopeReader At(long offset)
    {
        var reader = new EnvelopeReader(columns, _options);
        var (first, end) = LookBack(offset);
        for (var next = first; next < end; next += LookBackRowsMax)
        {
            _ = Sort(reader, source.Past(next, Math.Min(end, next + LookBackRowsMax)));
        }

        return reader;
    }

    /// <summary>What each message of a batch is. In a topic of several partitions a row without a key is none that can be landed: which of equal ones it is would be a guess, and a guess may lose it.</summary>
    public SortedBatch Sort(EnvelopeReader reader, IReadOnlyList<StoredMessage> batch)
    {
        var rows = new List<ChangeRow>(batch.Count);
        var letters = new List<DeadLetter>();
        var others = 0;
        foreach (var stored in batch)
        {
            var read = reader.Read(stored.Message, stored.TimestampMillis);
            if (read.Row is { } row && IsKeyless(row) && !source.IsWhole)
            {
                letters.Add(new DeadLetter(stored.Offset, 0, Scattered));
            }
            else if (read.Row is not null)
            {
                rows.Add(read.Row);
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

        return new SortedBatch(rows, letters, others);
    }

    /// <summary>Goes back from an offset, tombstones apart, to the newest message, or of rows without a key to the first of its LSN.</summary>
    private (long First, long End) LookBack(long offset)
    {
        StoredMessage? newest = null;
        var (first, lsn, rows) = (offset, -1L, LookBackRowsFirst);
        for (var end = offset; end > source.First; rows = Math.Min(rows * LookBackGrowth, LookBackRowsMax))
        {
            var start = Math.Max(source.First, end - rows);
            foreach (var message in source.Past(start, end).Reverse())
            {
                if (newest is null)
                {
                    if (message.Message.Value is null)
                    {
                        continue;
                    }

                    (newest, first) = (message, message.Offset);
                    if (!IsKeyless(message, out lsn))
                    {
                        return (first, first + 1);
                    }
                }
                else if (!IsKeyless(message, out var its) || its != lsn)
                {
                    return (first, newest.Offset + 1);
                }

                first = message.Offset;
            }

            end = start;
        }

        return (first, newest?.Offset + 1 ?? first);
    }

    private bool IsKeyless(StoredMessage message, out long lsn)
    {
        var row = new EnvelopeReader(columns, _options).Read(message.Message, message.TimestampMillis).Row;
        lsn = row?.Lsn ?? -1;
        return row is not null && IsKeyless(row);
    }

    /// <summary>True for a row that is known by its values and by what came before it.</summary>
    public static bool IsKeyless(ChangeRow row) => row.Part <= ChangeColumns.KeylessPart(0);
}

/// <summary>The messages of a batch by what they are.</summary>
internal sealed record SortedBatch(List<ChangeRow> Rows, List<DeadLetter> Letters, int Others)
{
    /// <summary>What is told of it once it is landed.</summary>
    public IngestResult Count(IReadOnlyList<LakeColumn> columns, string? userColumn, string? timeColumn) =>
        new(Rows.Count, Letters.Count, Nulls(columns, userColumn), Nulls(columns, timeColumn), Others);

    // A delete carries fillers instead of values, and an unavailable column has a value elsewhere.
    private int Nulls(IReadOnlyList<LakeColumn> columns, string? column)
    {
        var index = column is null ? -1 : columns.Select(c => c.Name).ToList().IndexOf(column);
        return index < 0 ? 0 : Rows.Count(r => r.Op is not ("d" or "t") && r.Values[index] is null && !r.Unavailable.Contains(column!));
    }
}
