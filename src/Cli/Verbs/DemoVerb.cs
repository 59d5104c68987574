using System.CommandLine;
using FeatureStore.Cli.Composition;
using FeatureStore.Ingest.Import;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore demo</c>: a bank's data, from its file to answers of the server, and the proof that they are right.</summary>
internal static class DemoVerb
{
    // The first Monday after the first transaction of 1993.
    private static readonly DateTimeOffset FirstMonday = new(1993, 1, 4, 0, 0, 0, TimeSpan.Zero);

    public static Command Create()
    {
        var fresh = new Option<bool>("--fresh") { Description = "Remove the lake, change log, online store and registry first." };
        var synthetic = new Option<bool>("--synthetic") { Description = "Generated data instead, in a feature repo of its own below data/synthetic." };
        var command = new Command(
            "demo",
            "Run everything on real bank transactions of 1993, moved to end within the last week, or on generated ones. Example: fstore demo --synthetic --users 10000 --days 30 --seed 7")
        {
            fresh, synthetic, GenerateVerb.Users, GenerateVerb.Days, GenerateVerb.Seed,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Option[] generated = [GenerateVerb.Users, GenerateVerb.Days, GenerateVerb.Seed];
            if (!parsed.GetValue(synthetic) && generated.Any(option => parsed.GetResult(option) is { Implicit: false }))
            {
                throw new UsageException("--users, --days and --seed say what to generate; add --synthetic.");
            }

            var repo = GlobalOptions.Repo(parsed);
            var demo = parsed.GetValue(synthetic) ? Synthetic(SyntheticRepo.Make(repo), GenerateVerb.Options(parsed, null)) : RealBank(repo);
            if (parsed.GetValue(fresh))
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

    private static Demo RealBank(Repo repo) => new(repo, ["576", "2378", "1787"], string.Empty, async (steps, pipeline, cancellationToken) =>
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "berka");
        var transactions = await ImportAsync("transactions", ImportMapping.BerkaTransactions, folder);
        await ImportAsync("customers", ImportMapping.BerkaCustomers, folder);
        return FirstMonday.AddDays(7 * transactions.ShiftWeeks);

        Task<ImportResult> ImportAsync(string name, ImportMapping mapping, string path) => steps.RunAsync("import", progress =>
        {
            var result = pipeline.Import(mapping, path, KnownAt.Event, ImportShift.ToNow, progress, cancellationToken);
            return Task.FromResult((result, $"{name}: {ImportVerb.Text(result)}"));
        });
    });

    // Users by Zipf's law: the first is the busiest, and most users have a transaction now and then.
    private static Demo Synthetic(Repo repo, GenerateOptions options) => new(
        repo,
        ["u0000000", $"u{options.Users / 100:0000000}", $"u{options.Users - 1:0000000}"],
        $" -c {Path.GetRelativePath(Directory.GetCurrentDirectory(), repo.Config.RepoDirectory)}",
        (steps, pipeline, cancellationToken) => steps.RunAsync("generate", progress =>
        {
            var result = pipeline.Generate(options, progress, cancellationToken);
            return Task.FromResult((MondayAfter(result.FirstDay), GenerateVerb.Text(result)));
        }));

    private static DateTimeOffset MondayAfter(DateOnly day) =>
        Instant.MondayAtOrBefore(new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero)).AddDays(7);
}
