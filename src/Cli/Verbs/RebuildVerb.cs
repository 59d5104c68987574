using System.CommandLine;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore rebuild</c>: an emptied online store is filled from the lake again.</summary>
internal static class RebuildVerb
{
    public static Command Create()
    {
        var views = MaterializeVerb.Views();
        var command = new Command(
            "rebuild", "Fill an emptied online store from the lake again, up to each view's last materialised end. Rows that were only pushed are not in the lake. Example: fstore rebuild") { views };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, parsed.GetValue(views), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, string[]? names, CancellationToken cancellationToken)
    {
        var pipeline = new Pipeline(GlobalOptions.Repo(parsed));
        var json = parsed.GetValue(GlobalOptions.Json);
        var rebuilt = 0;
        foreach (var view in await MaterializeVerb.ReadyAsync(parsed, pipeline, names))
        {
            var counts = await StepReport.ShowAsync(view.Name, progress => pipeline.RebuildAsync(view, progress, cancellationToken));
            if (counts is null)
            {
                await Console.Error.WriteLineAsync($"{view.Name}: left out, it was never materialised.");
                continue;
            }

            rebuilt++;
            Answer.Object(json, $"{view.Name}: {counts.Written:N0} rows written, {counts.Skipped:N0} older than the store's", new { FeatureView = view.Name, counts.Read, counts.Written, counts.Skipped });
        }

        return rebuilt > 0 ? ExitCodes.Ok : throw new UsageException("No view was materialised yet; run 'fstore materialize' first.");
    }
}
