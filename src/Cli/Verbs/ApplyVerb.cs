using System.CommandLine;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Registry.Files;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore apply</c>: the definitions become the registry, and the online store gets its tables.</summary>
internal static class ApplyVerb
{
    public static Command Create()
    {
        var command = new Command("apply", "Write the definitions into the registry and make the online tables. Example: fstore apply");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var result = await RunAsync(GlobalOptions.Repo(parsed), cancellationToken);
            Answer.Object(parsed.GetValue(GlobalOptions.Json), Text(result), result);
            return ExitCodes.Ok;
        });
        return command;
    }

    public static async Task<ApplyResult> RunAsync(Repo repo, CancellationToken cancellationToken)
    {
        var result = RegistryApplier.Apply(repo.Config.RepoDirectory, TimeProvider.System, cancellationToken);
        var views = repo.Snapshot().FeatureViews.Values.Where(v => v.Online).Select(repo.Table).ToArray();
        await using var store = repo.OnlineStore();
        await store.EnsureTablesAsync(views, cancellationToken);
        return result;
    }

    private static string Text(ApplyResult result)
    {
        var lines = result.Added.Select(n => $"added    {n}")
            .Concat(result.Changed.Select(n => $"changed  {n}"))
            .Concat(result.Removed.Select(n => $"removed  {n}"));
        return result.Written ? string.Join(Environment.NewLine, lines) : "The registry already says what the definitions say.";
    }
}
