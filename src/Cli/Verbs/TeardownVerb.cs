using System.CommandLine;
using FeatureStore.Cli.Composition;
using FeatureStore.Registry.Files;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore teardown</c>: the project leaves the online store and the registry. The lake and the change log stay.</summary>
internal static class TeardownVerb
{
    public static Command Create()
    {
        var command = new Command("teardown", "Remove the project's online rows and its part of the registry; the lake stays. Example: fstore teardown");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var json = parsed.GetValue(GlobalOptions.Json);
            var removed = await RunAsync(GlobalOptions.Repo(parsed), cancellationToken);
            ChangeLines.Print(json, removed);
            if (!json && removed.Count == 0)
            {
                await Console.Out.WriteLineAsync("There is nothing to remove: the registry does not hold the project.");
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>The registry goes last: as long as it stands, an interrupted teardown knows what is left to remove.</summary>
    private static async Task<IReadOnlyList<PlannedChange>> RunAsync(Repo repo, CancellationToken cancellationToken)
    {
        if (!repo.Registry().Exists())
        {
            return [];
        }

        var removed = new List<PlannedChange>();
        if (repo.Config.OnlineStore is not null)
        {
            var views = await new OnlineRemoval(repo).RemoveProjectAsync(cancellationToken);
            removed.AddRange(views.Select(v => new PlannedChange(ChangeKind.Removed, "online rows of", v, [], ChangeCosts.None)));
        }

        removed.AddRange(repo.Registry().RemoveProject(repo.Config.Project, cancellationToken));
        return removed;
    }
}
