using System.Security.Cryptography;
using System.Text;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Import;

/// <summary>What an imported row's commit time is.</summary>
public enum KnownAt
{
    /// <summary>Its event time: history is taken as known when it happened.</summary>
    Event,

    /// <summary>The moment of the import.</summary>
    Now,
}

/// <summary>
/// Whole weeks added to all times, so that weekdays stay. The change log keeps the weeks that the first <see cref="ToNow"/> of a mapping's name
/// chose, for its other tables and for mended files in later weeks.
/// </summary>
/// <param name="Count">Weeks; null for those that are kept, else as many as bring the last time within the last week.</param>
public readonly record struct ImportShift(int? Count)
{
    /// <summary>Times stay as they are.</summary>
    public static ImportShift None => new(0);

    /// <summary>The last time comes to lie within the last week, by the first import's choice.</summary>
    public static ImportShift ToNow => new(null);

    /// <summary>A shift that is known.</summary>
    public static ImportShift Weeks(int count) => new(count);
}

/// <summary>What an import did, in source rows.</summary>
/// <param name="Appended">New keys (op r) and <paramref name="Updated"/> ones.</param>
/// <param name="AlreadyThere">Done by an earlier run of the same import.</param>
/// <param name="Updated">Keys that the topic had with other values (op u).</param>
/// <param name="Unchanged">Keys that the topic had with equal values; nothing was appended.</param>
public sealed record ImportResult(long Appended, long AlreadyThere, int ShiftWeeks, long Updated, long Unchanged);

/// <summary>
/// Appends files' rows to the change log as change events. Resumable and safe to repeat: progress is stored with the rows,
/// under the mapping and the files' content; a mended file changes only the rows that differ.
/// </summary>
public sealed class Importer(EmbeddedChangeLog log, TimeProvider time)
{
    private const int BatchRows = 5_000;
    private const long MicrosPerWeek = 7L * 24 * 3600 * 1_000_000;

    /// <summary>Told the source rows dealt with, after each batch.</summary>
    public IProgress<long>? Progress { get; init; }

    /// <summary>Imports a file or a folder, as the mapping takes it.</summary>
    /// <exception cref="ImportException">A line cannot be read (nothing was appended then), or the import was begun with another shift.</exception>
    public ImportResult Run(ImportMapping mapping, string path, KnownAt knownAt, ImportShift shift, CancellationToken cancellationToken)
    {
        var files = mapping.Files(path);
        var id = ImportId(mapping, files, knownAt, cancellationToken);
        var before = log.Import(id);
        if (before is not null && shift.Count is { } asked && asked != before.ShiftWeeks)
        {
            throw new ImportException($"{path} was imported with a shift of {before.ShiftWeeks} weeks, not {asked}; ask for that shift or for to-now, or use another change log.");
        }

        if (before is { Completed: true })
        {
            return new ImportResult(0, before.RowsDone, before.ShiftWeeks, 0, 0);
        }

        var last = LastEventMicros(mapping, files, cancellationToken);
        var weeks = before?.ShiftWeeks ?? shift.Count ?? KeptWeeks(mapping, last);
        return AppendRows(mapping, files, knownAt, new ImportProgress(id, weeks, before?.RowsDone ?? 0, false), cancellationToken);
    }

    // Every line is read before the first is appended, so a fault on the last one leaves nothing behind.
    private static long? LastEventMicros(ImportMapping mapping, IReadOnlyList<string> files, CancellationToken cancellationToken)
    {
        long? last = null;
        foreach (var row in mapping.Rows(files))
        {
            cancellationToken.ThrowIfCancellationRequested();
            last = mapping.Table.EventMicros(row) is { } micros ? Math.Max(last ?? micros, micros) : last;
        }

        return last;
    }

    private static string ImportId(ImportMapping mapping, IReadOnlyList<string> files, KnownAt knownAt, CancellationToken cancellationToken)
    {
        var text = new StringBuilder($"{mapping.Name}\n{mapping.Table.Name}\n{knownAt}\n");
        foreach (var file in files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                using var content = File.OpenRead(file);
                text.Append(Convert.ToHexStringLower(SHA256.HashData(content))).Append('\n');
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new ImportException($"{file} cannot be read: {e.Message}", e);
            }
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    private ImportResult AppendRows(
        ImportMapping mapping, IReadOnlyList<string> files, KnownAt knownAt, ImportProgress begun, CancellationToken cancellationToken)
    {
        var table = mapping.Table;
        var topic = log.Topic(table.Topic);
        var reader = new EnvelopeReader(table.Columns);
        var counts = new Counts();
        var progress = begun;
        foreach (var batch in mapping.Rows(files).Skip(checked((int)begun.RowsDone)).Chunk(BatchRows))
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress = progress with { RowsDone = progress.RowsDone + batch.Length };
            log.Append(topic, batch.Length, (i, lsn) => Message(table, topic, reader, table.Shifted(batch[i], begun.ShiftWeeks), lsn, knownAt, counts), progress);
            Progress?.Report(progress.RowsDone);
        }

        log.Append(topic, 0, (_, _) => null, progress with { Completed = true });
        return new ImportResult(counts.New + counts.Updated, begun.RowsDone, begun.ShiftWeeks, counts.Updated, counts.Unchanged);
    }

    private LogMessage? Message(ImportTable table, LogTopic topic, EnvelopeReader reader, object?[] values, long lsn, KnownAt knownAt, Counts counts)
    {
        var key = EnvelopeWriter.Key(table.KeyColumn, (string)values[table.IndexOf(table.KeyColumn)]!);
        var known = knownAt == KnownAt.Event && table.EventMicros(values) is { } eventMicros ? eventMicros : NowMicros();
        var held = log.Latest(topic, key) is { } stored ? reader.Read(stored.Message).Row : null;
        if (held is not null && held.Op != "d" && held.Values.SequenceEqual(values))
        {
            counts.Unchanged++;
            return null;
        }

        var isNew = held is null || held.Op == "d";
        (counts.New, counts.Updated) = isNew ? (counts.New + 1, counts.Updated) : (counts.New, counts.Updated + 1);
        var row = new ChangeRow(isNew ? "r" : "u", log.ClusterId, lsn, 0, EnvelopeKey.Text(key), known, [], values);
        return new LogMessage(key, EnvelopeWriter.Write(table.Name, table.Columns, row));
    }

    // Files without a time need no shift, and must choose none for others.
    private int KeptWeeks(ImportMapping mapping, long? lastMicros) =>
        lastMicros is { } last ? (int)log.Keep($"shift_weeks {mapping.Name}", (long)Math.Floor((double)(NowMicros() - last) / MicrosPerWeek)) : 0;

    private long NowMicros() => (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private sealed class Counts
    {
        public long New { get; set; }

        public long Updated { get; set; }

        public long Unchanged { get; set; }
    }
}
