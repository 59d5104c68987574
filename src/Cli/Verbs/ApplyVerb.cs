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
        var command = new Command("apply", "Write the definitions into the registry and make the online tables. Example: fstore apply") { revision };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var json = parsed.GetValue(GlobalOptions.Json);
            var result = await RunAsync(GlobalOptions.Repo(parsed), parsed.GetValue(revision), cancellationToken);
            ChangeLines.Print(json, result.Changes);
            if (!json && !result.Written)
            {
                await Console.Out.WriteLineAsync("The registry already says what the definitions say.");
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    public static async Task<ApplyResult> RunAsync(Repo repo, string? ifRevision, CancellationToken cancellationToken)
    {
        var result = RegistryApplier.Apply(repo.Config, ifRevision, TimeProvider.System, cancellationToken);
        var views = repo.Snapshot().FeatureViews.Values.Where(v => v.Online).Select(repo.Table).ToArray();
        await using var store = repo.OnlineStore();
        await store.EnsureTablesAsync(views, cancellationToken);
        return result;
    }
}
