using FeatureStore.Generator;
using FeatureStore.Ingest.Import;
using FeatureStore.Ingest.Postgres;

namespace FeatureStore.Cli.Composition;

/// <summary>
/// Writes a synthetic bank into PostgreSQL, one transaction for the customers and one for each day's changes. The rows are those that
/// <see cref="SyntheticFeed"/> appends to the change log. A repeat writes nothing, more days only what is new.
/// </summary>
internal sealed class PostgresFeed(PostgresAddress address, TimeProvider time)
{
    private const string CustomersDone = "customers done";
    private const string DaysDone = "days done";
    private const long MicrosPerDay = 86_400_000_000;
    private static readonly DateOnly Epoch = new(1970, 1, 1);

    /// <param name="daysMax">Only the first so many days now; null for all.</param>
    /// <exception cref="UsageException">The database holds another bank, or no day of this one has come yet.</exception>
    /// <exception cref="PostgresSourceException">The server cannot be reached, or refuses.</exception>
    public async Task<GenerateResult> RunAsync(GenerateOptions asked, int? daysMax, CancellationToken cancellationToken)
    {
        var (customers, transactions) = (PostgresSettings.Table(ImportTable.Customers), PostgresSettings.Table(ImportTable.Transactions));
        await using var writer = await SourceWriter.OpenAsync(address, [customers, transactions], cancellationToken);
        var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        var first = asked.FirstDay ?? today.AddDays(-asked.Days);
        if (first >= today)
        {
            throw new UsageException($"--first-day {first:yyyy-MM-dd} has not passed yet; name an earlier day.");
        }

        first = DateOnly.FromDayNumber((int)await KeptAsync(writer, "first day", first.DayNumber, asked.FirstDay is not null, n => $"{DateOnly.FromDayNumber((int)n):yyyy-MM-dd}", cancellationToken));
        await KeptAsync(writer, "users", asked.Users, true, n => $"{n}", cancellationToken);
        await KeptAsync(writer, "seed", asked.Seed, true, n => $"{n}", cancellationToken);
        var wanted = Math.Min(asked.Days, daysMax ?? asked.Days);
        var days = Math.Min(wanted, today.DayNumber - first.DayNumber);
        var bank = new SyntheticBank(new SyntheticOptions(asked.Users, days, (ulong)asked.Seed, first));
        var newCustomers = await WriteCustomersAsync(writer, customers, bank, cancellationToken);
        var (changes, before) = await WriteDaysAsync(writer, transactions, bank, first, cancellationToken);
        return new GenerateResult(newCustomers, changes, before + (newCustomers == 0 ? asked.Users : 0), first, days, wanted - days);
    }

    private async Task<long> KeptAsync(SourceWriter writer, string what, long choice, bool isAsked, Func<long, string> text, CancellationToken cancellationToken)
    {
        var kept = await writer.KeepAsync(what, choice, cancellationToken);
        return kept == choice || !isAsked
            ? kept
            : throw new UsageException($"The database {address} holds a synthetic bank whose {what} is {text(kept)}, not {text(choice)}; ask for that one, or use another database.");
    }

    private static async Task<long> WriteCustomersAsync(SourceWriter writer, PostgresTable table, SyntheticBank bank, CancellationToken cancellationToken)
    {
        if (await writer.KeepAsync(CustomersDone, 0, cancellationToken) > 0)
        {
            return 0;
        }

        var changes = bank.Customers().Select(c => new SourceChange("c", [c.UserId, c.Age, c.Gender, c.Location, c.Occupation, c.DayStart])).ToList();
        await writer.WriteAsync(table, changes, CustomersDone, 1, cancellationToken);
        return changes.Count;
    }

    private static async Task<(long New, long Before)> WriteDaysAsync(SourceWriter writer, PostgresTable table, SyntheticBank bank, DateOnly first, CancellationToken cancellationToken)
    {
        var done = await writer.KeepAsync(DaysDone, 0, cancellationToken);
        var start = (first.DayNumber - Epoch.DayNumber) * MicrosPerDay;
        var (written, before, day) = (0L, 0L, 0L);
        var changes = new List<SourceChange>();
        async Task WriteAsync()
        {
            if (day >= done && changes.Count > 0)
            {
                await writer.WriteAsync(table, changes, DaysDone, day + 1, cancellationToken);
                written += changes.Count;
            }
            else
            {
                before += changes.Count;
            }

            changes.Clear();
        }

        foreach (var change in bank.Changes())
        {
            var itsDay = (change.CommitMicros - start) / MicrosPerDay;
            if (itsDay != day)
            {
                await WriteAsync();
                day = itsDay;
            }

            changes.Add(Of(change));
        }

        await WriteAsync();
        return (written, before);
    }

    private static SourceChange Of(TransactionChange change)
    {
        var row = change.Row;
        return new SourceChange(
            change.Kind switch { ChangeKind.Create => "c", ChangeKind.Update => "u", _ => "d" },
            [row.UserId, row.TransactionId, row.Amount, row.Vendor, row.Sources, row.TimeMicros]);
    }
}
