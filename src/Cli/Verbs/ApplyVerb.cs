using System.CommandLine;
using FeatureStore.Cli.Composition;
using FeatureStore.Registry.Files;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore apply</c>: the definitions become the registry, and the online store gets its tables.</summary>
internal static class ApplyVerb
{
    public static Command Create()
    {
        var revision = new Option<string?>("--if-revision") { Description = "Apply only if the registry is still at the revision that a plan told." };
        var fullScan = new Option<bool>("--full-scan") { Description = "Look for what is removed at every key of the online store, not only at the entities of the lake and of pushes to this server." };
        var command = new Command("apply", "Write the definitions into the registry, make the online tables and drop removed views' rows. Example: fstore apply") { revision, fullScan };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var json = parsed.GetValue(GlobalOptions.Json);
            var result = await RunAsync(GlobalOptions.Repo(parsed), parsed.GetValue(revision), parsed.GetValue(fullScan), cancellationToken);
            ChangeLines.Print(json, result.Changes);
            if (!json && !result.Written)
            {
                await Console.Out.WriteLineAsync("The registry already says what the definitions say.");
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>Rows go before the registry forgets their view, so an apply that is cut off can be repeated.</summary>
    public static async Task<ApplyResult> RunAsync(Repo repo, string? ifRevision, bool fullScan, CancellationToken cancellationToken)
    {
        var plan = RegistryApplier.Plan(repo.Config, TimeProvider.System);
        OnlineRemoval? online = null;
        PlannedChange[] dropped = [.. plan.Changes.Where(c => c.Costs.HasFlag(ChangeCosts.DropOnlineRows))];
        if (dropped.Length > 0 && repo.Config.OnlineStore is not null && (ifRevision ?? plan.Revision) == plan.Revision)
        {
            // What is removed was planned on this revision, so nothing else may be applied.
            ifRevision = plan.Revision;
            online = new OnlineRemoval(repo);

            // Services first, for the record of a view's entities, which goes with the view, finds their vectors too.
            foreach (var service in dropped.Where(c => c.Kind == PlannedChange.FeatureService))
            {
                await online.RemoveServiceAsync(service.Name, fullScan, cancellationToken);
            }

            foreach (var view in dropped.Where(c => c.Kind != PlannedChange.FeatureService))
            {
                await online.RemoveViewAsync(view.Name, fullScan, cancellationToken);
            }
        }

        var result = RegistryApplier.Apply(repo.Config, ifRevision, TimeProvider.System, cancellationToken);
        if (online is not null)
        {
            // Servers took pushes to them until the registry said that they are gone.
            foreach (var view in dropped.Where(c => c.Kind != PlannedChange.FeatureService))
            {
                await online.RemoveRecordedAsync(view.Name, cancellationToken);
            }
        }

        if (repo.Config.OnlineStore is not null)
        {
            await using var store = repo.OnlineStore();
            await store.EnsureTablesAsync([.. repo.Snapshot().FeatureViews.Values.Where(v => v.Online).Select(repo.Table)], cancellationToken);
        }

        return result;
    }
}
