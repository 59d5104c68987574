using System.CommandLine;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Ingest;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore ingest</c>: the change log's events land in the lake.</summary>
internal static class IngestVerb
{
    public static Command Create()
    {
        var command = new Command("ingest", "Land the change log's events in the lake. Example: fstore ingest");
        command.SetAction((parsed, cancellationToken) =>
        {
            foreach (var (table, landed) in new Pipeline(GlobalOptions.Repo(parsed)).Ingest(null, cancellationToken))
            {
                Answer.Object(
                    parsed.GetValue(GlobalOptions.Json),
                    $"{table}: {Text(landed)}",
                    new { Table = table, landed.Rows, landed.DeadLetters, landed.NullUsers, landed.NullTimes });
            }

            return Task.FromResult(ExitCodes.Ok);
        });
        return command;
    }

    private static string Text(IngestResult result) =>
        $"{result.Rows:N0} rows landed, {result.DeadLetters:N0} dead letters, {result.NullUsers:N0} without a user, {result.NullTimes:N0} without a time";
}
