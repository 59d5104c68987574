using System.CommandLine;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Ingest.Import;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore demo</c>: a bank's data, from its file to answers of the server, and the proof that they are right.</summary>
internal static class DemoVerb
{
    // The first Monday after the first transaction of 1993.
    private static readonly DateTimeOffset FirstMonday = new(1993, 1, 4, 0, 0, 0, TimeSpan.Zero);

    // Withdrawals in cash and by card, and transfers to other banks, as the data calls them. Only weeks that are over have a label.
    private static readonly DemoTask LargeOutflow = new(
        "outflow",
        "large_outflow",
        """
        SELECT weekly.user_id, weekly.event_timestamp, count(moved.time) > 0 AS large_outflow
        FROM (SELECT DISTINCT user_id, event_timestamp FROM "features/user_transactions_l1w") AS weekly
        LEFT JOIN "cdc/transactions" AS moved
          ON moved.user_id = weekly.user_id AND moved.time >= weekly.event_timestamp AND moved.time < weekly.event_timestamp + INTERVAL 7 DAY
         AND moved.amount > 10000 AND moved.sources IN ('VYBER', 'PREVOD NA UCET', 'VYBER KARTOU')
        WHERE weekly.event_timestamp + INTERVAL 7 DAY <= (SELECT max(time) FROM "cdc/transactions")
        GROUP BY ALL ORDER BY weekly.event_timestamp, weekly.user_id
        """,
        TimeSpan.FromDays(7),
        "does a user move out more than 10,000 at once within a week?");

    public static Command Create()
    {
        var fresh = new Option<bool>("--fresh") { Description = "Remove the lake, change log, online store and registry first." };
        var synthetic = new Option<bool>("--synthetic") { Description = "Generated data instead, in a feature repo of its own below data/synthetic." };
        var full = new Option<bool>("--full") { Description = "Generated data through PostgreSQL, Kafka and Redis, as 'fstore dev up' starts them; a feature repo of its own below data/full." };
        var command = new Command(
            "demo",
            "Run everything on real bank transactions of 1993, moved to end within the last week, or on generated ones. Example: fstore demo --synthetic --users 10000 --days 30 --seed 7")
        {
            fresh, synthetic, full, GenerateVerb.Users, GenerateVerb.Days, GenerateVerb.Seed,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Option[] generated = [GenerateVerb.Users, GenerateVerb.Days, GenerateVerb.Seed];
            var (isFull, isFresh) = (parsed.GetValue(full), parsed.GetValue(fresh));
            if (isFull && parsed.GetValue(synthetic))
            {
                throw new UsageException("--synthetic runs without servers and --full with them; give one of them.");
            }

            if (!parsed.GetValue(synthetic) && !isFull && generated.Any(option => parsed.GetResult(option) is { Implicit: false }))
            {
                throw new UsageException("--users, --days and --seed say what to generate; add --synthetic or --full.");
            }

            var repo = GlobalOptions.Repo(parsed);
            var demo = isFull ? DemoFull.Make(repo, GenerateVerb.Options(parsed, null), isFresh)
                : parsed.GetValue(synthetic) ? Synthetic(DemoRepo.Make(repo, "synthetic"), GenerateVerb.Options(parsed, null)) : RealBank(repo);
            if (isFresh)
            {
                await RemoveOnlineAsync(demo.Repo, cancellationToken);
                demo.Repo.RemoveData();
                if (demo.Repo.Config.Registry.IsSql)
                {
                    demo.Repo.Registry().RemoveProject(demo.Repo.Config.Project, cancellationToken);
                }
            }

            return await new DemoRun(demo, Console.Out, TimeProvider.System).RunAsync(cancellationToken);
        });
        return command;
    }

    // A Redis store may hold other projects too, so only what the registry says is this one's is taken out of it.
    private static async Task RemoveOnlineAsync(Repo repo, CancellationToken cancellationToken)
    {
        if (repo.Config.OnlineStore is not RedisOnlineStoreConfig)
        {
            return;
        }

        try
        {
            if (repo.Registry().Exists())
            {
                await new OnlineRemoval(repo).RemoveProjectAsync(cancellationToken);
            }
        }
        catch (RegistryException e)
        {
            await Console.Error.WriteLineAsync($"warning: the project's rows stay in the online store, since nothing tells what they are: {e.Message}");
        }
    }

    private static Demo RealBank(Repo repo) => new(repo, ["576", "2378", "1787"], string.Empty, null, LargeOutflow, async (steps, pipeline, cancellationToken) =>
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "berka");
        var transactions = await ImportAsync("transactions", ImportMapping.BerkaTransactions, folder);
        await ImportAsync("customers", ImportMapping.BerkaCustomers, folder);
        await DemoRun.IngestAsync(steps, pipeline, cancellationToken);
        return new DemoFill(FirstMonday.AddDays(7 * transactions.ShiftWeeks));

        Task<ImportResult> ImportAsync(string name, ImportMapping mapping, string path) => steps.RunAsync("import", progress =>
        {
            var result = pipeline.Import(mapping, path, KnownAt.Event, ImportShift.ToNow, progress, cancellationToken);
            return Task.FromResult((result, $"{name}: {ImportVerb.Text(result)}"));
        });
    });

    /// <summary>A demo on generated data. Users are by Zipf's law: the first is the busiest, and most users have a transaction now and then.</summary>
    public static Demo Generated(Repo repo, GenerateOptions options, string? before, Func<StepReport, Pipeline, CancellationToken, Task<DemoFill>> fillAsync) => new(
        repo,
        ["u0000000", $"u{options.Users / 100:0000000}", $"u{options.Users - 1:0000000}"],
        $" -c {Path.GetRelativePath(Directory.GetCurrentDirectory(), repo.Config.RepoDirectory)}",
        before,
        null,
        fillAsync);

    private static Demo Synthetic(Repo repo, GenerateOptions options) => Generated(repo, options, null, async (steps, pipeline, cancellationToken) =>
    {
        var first = await steps.RunAsync("generate", progress =>
        {
            var result = pipeline.Generate(options, progress, cancellationToken);
            return Task.FromResult((MondayAfter(result.FirstDay), GenerateVerb.Text(result)));
        });
        await DemoRun.IngestAsync(steps, pipeline, cancellationToken);
        return new DemoFill(first);
    });

    public static DateTimeOffset MondayAfter(DateOnly day) =>
        Instant.MondayAtOrBefore(new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero)).AddDays(7);
}
