using FeatureStore.Generator;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Import;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Cli.Composition;

/// <summary>What was asked for; the first day is chosen when it is null.</summary>
/// <param name="Until">Ends with the day before this one, however many days are asked for, which then say where the first bank begins.</param>
internal sealed record GenerateOptions(int Users, int Days, long Seed, DateOnly? FirstDay, DateOnly? Until = null);

/// <summary>What a run appended, in change events.</summary>
/// <param name="AlreadyThere">Events of earlier runs with the same users and seed.</param>
/// <param name="Days">Days that were asked for and have come.</param>
/// <param name="DaysToCome">Days that were asked for and are left out, because they have not come yet.</param>
internal sealed record GenerateResult(long Customers, long Changes, long AlreadyThere, DateOnly FirstDay, int Days, int DaysToCome);

/// <summary>
/// Appends a synthetic bank to the change log as the change events a database would have sent: each with its commit time, c, u or d, and a tombstone
/// after a delete. Progress is stored with the events, so a repeat appends nothing twice and more days append only what is new.
/// </summary>
internal sealed class SyntheticFeed(EmbeddedChangeLog log, TimeProvider time)
{
    private const int BatchEvents = 5_000;
    private const long MicrosPerDay = 86_400_000_000;
    private static readonly DateOnly Epoch = new(1970, 1, 1);

    /// <summary>Under which name the log keeps how much of a table is generated.</summary>
    public static string ImportId(ImportTable table) => $"generate {table.Name}";

    /// <exception cref="UsageException">The log holds another bank, or no day of this one has come yet.</exception>
    public GenerateResult Run(GenerateOptions asked, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        var end = asked.Until < today ? asked.Until.Value : today;
        var first = asked.FirstDay ?? end.AddDays(-asked.Days);
        if (first >= today)
        {
            throw new UsageException($"--first-day {first:yyyy-MM-dd} has not passed yet; name an earlier day.");
        }

        first = DateOnly.FromDayNumber((int)Kept("first day", first.DayNumber, asked.FirstDay is not null, n => $"{DateOnly.FromDayNumber((int)n):yyyy-MM-dd}"));
        Kept("users", asked.Users, isAsked: true, n => $"{n}");
        Kept("seed", asked.Seed, isAsked: true, n => $"{n}");
        var days = Math.Min(asked.Until is null ? asked.Days : int.MaxValue, end.DayNumber - first.DayNumber);
        if (days < 1)
        {
            // All that is asked for lies before the bank's first day.
            return new GenerateResult(0, 0, 0, first, 0, 0);
        }

        var bank = new SyntheticBank(new SyntheticOptions(asked.Users, days, (ulong)asked.Seed, first));
        var reported = 0L;
        var customers = Append(ImportTable.Customers, bank.Customers().Select(Event), n => progress?.Report(reported = n), cancellationToken);
        var before = reported;
        var changes = Append(ImportTable.Transactions, bank.Changes().SelectMany(Events), n => progress?.Report(before + n), cancellationToken);
        return new GenerateResult(customers.New, changes.New, customers.Before + changes.Before, first, days, asked.Until is null ? asked.Days - days : 0);
    }

    // Keys begin with the same numbers in every bank, so a second bank in one log would rewrite the first.
    private long Kept(string what, long choice, bool isAsked, Func<long, string> text)
    {
        var kept = log.Keep($"generate {what}", choice);
        return kept == choice || !isAsked
            ? kept
            : throw new UsageException($"The change log holds a synthetic bank whose {what} is {text(kept)}, not {text(choice)}; ask for that one, or use another repo (the demo: --fresh).");
    }

    private static IEnumerable<FeedEvent> Events(TransactionChange change)
    {
        var row = change.Row;
        var op = change.Kind switch { ChangeKind.Create => "c", ChangeKind.Update => "u", _ => "d" };
        yield return new FeedEvent(row.TransactionId, op, change.CommitMicros, [row.UserId, row.TransactionId, row.Amount, row.Vendor, row.Sources, row.TimeMicros]);
        if (op == "d")
        {
            yield return new FeedEvent(row.TransactionId, null, change.CommitMicros, []);
        }
    }

    private static FeedEvent Event(CustomerRow row) => new(
        row.UserId, "c", (row.DayStart.DayNumber - Epoch.DayNumber) * MicrosPerDay, [row.UserId, row.Age, row.Gender, row.Location, row.Occupation, row.DayStart]);

    private (long New, long Before) Append(ImportTable table, IEnumerable<FeedEvent> events, Action<long> report, CancellationToken cancellationToken)
    {
        var topic = log.Topic(table.Topic);
        var id = ImportId(table);
        var before = log.Import(id)?.RowsDone ?? 0;
        var seen = 0L;
        var done = before;
        foreach (var batch in events.SkipWhile(_ => seen++ < before).Chunk(BatchEvents))
        {
            cancellationToken.ThrowIfCancellationRequested();
            done += batch.Length;
            log.Append(topic, batch.Length, (i, lsn) => Message(table, batch[i], lsn), new ImportProgress(id, 0, done, Completed: false));
            report(done);
        }

        return (done - before, before);
    }

    private LogMessage Message(ImportTable table, FeedEvent e, long lsn)
    {
        var key = EnvelopeWriter.Key(table.KeyColumn, e.Key);
        return new LogMessage(key, e.Op is null
            ? null
            : EnvelopeWriter.Write(table.Name, table.Columns, new ChangeRow(e.Op, log.ClusterId, lsn, 0, EnvelopeWriter.KeyText(key), e.CommitMicros, [], e.Values)));
    }

    /// <summary>One message to be; a null op is a tombstone.</summary>
    private readonly record struct FeedEvent(string Key, string? Op, long CommitMicros, object?[] Values);
}
