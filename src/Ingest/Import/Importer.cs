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

/// <summary>What an import did. <see cref="AlreadyThere"/> rows were appended by an earlier run of the same file.</summary>
public sealed record ImportResult(long Appended, long AlreadyThere, int ShiftWeeks);

/// <summary>
/// Appends a file's rows to the change log as snapshot events. Resumable and safe to repeat: progress is stored with the
/// rows, under the file's content.
/// </summary>
public sealed class Importer(EmbeddedChangeLog log, TimeProvider time)
{
    private const int BatchRows = 5_000;
    private const long MicrosPerWeek = 7L * 24 * 3600 * 1_000_000;

    /// <summary>Imports one file.</summary>
    /// <param name="read">Opens the file's rows; called twice.</param>
    /// <param name="shiftToNow">Moves all times by whole weeks so that the last lies within the last week; the first run's choice is kept.</param>
    public ImportResult Run(
        ImportTable table, string path, Func<string, IEnumerable<object?[]>> read, KnownAt knownAt, bool shiftToNow, CancellationToken cancellationToken)
    {
        // Every line is read before the first is appended, so a fault on the last one leaves nothing behind.
        var timeColumn = table.IndexOf(table.TimeColumn);
        var last = long.MinValue;
        foreach (var row in read(path))
        {
            cancellationToken.ThrowIfCancellationRequested();
            last = Math.Max(last, row[timeColumn] as long? ?? last);
        }

        var id = ImportId(table, path, knownAt);
        var before = log.Import(id);
        var shift = before?.ShiftWeeks ?? (shiftToNow && last > long.MinValue ? WeeksUntil(last) : 0);
        var done = before?.RowsDone ?? 0;
        var total = done;
        var topic = log.Topic(table.Topic);
        foreach (var batch in read(path).Skip((int)done).Chunk(BatchRows))
        {
            cancellationToken.ThrowIfCancellationRequested();
            total += batch.Length;
            log.Append(topic, batch.Length, (i, lsn) => Message(table, batch[i], lsn, shift, knownAt), (id, shift, total));
        }

        return new ImportResult(total - done, done, shift);
    }

    private static string ImportId(ImportTable table, string path, KnownAt knownAt)
    {
        using var file = File.OpenRead(path);
        var content = Convert.ToHexStringLower(SHA256.HashData(file));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{table.Name}\n{knownAt}\n{content}")));
    }

    private int WeeksUntil(long lastMicros) => (int)Math.Floor((double)(NowMicros() - lastMicros) / MicrosPerWeek);

    private long NowMicros() => (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private LogMessage Message(ImportTable table, object?[] source, long lsn, int shiftWeeks, KnownAt knownAt)
    {
        var timeColumn = table.IndexOf(table.TimeColumn);
        var values = source.ToArray();
        if (values[timeColumn] is long micros)
        {
            values[timeColumn] = micros + (shiftWeeks * MicrosPerWeek);
        }

        var known = knownAt == KnownAt.Event && values[timeColumn] is long eventTime ? eventTime : NowMicros();
        var key = EnvelopeWriter.Key(table.KeyColumn, (string)values[table.IndexOf(table.KeyColumn)]!);
        var row = new ChangeRow("r", log.ClusterId, lsn, 0, EnvelopeWriter.KeyText(key), known, [], values);
        return new LogMessage(key, EnvelopeWriter.Write(table.Name, table.Columns, row));
    }
}
