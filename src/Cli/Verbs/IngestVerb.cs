using System.CommandLine;
using System.Globalization;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Ingest;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore ingest</c>: the change log's events land in the lake.</summary>
internal static class IngestVerb
{
    public static Command Create()
    {
        var command = new Command("ingest", "Land the change log's events in the lake. Example: fstore ingest") { IngestVerbDeadLetters.Create() };
        command.SetAction((parsed, cancellationToken) =>
        {
            var json = parsed.GetValue(GlobalOptions.Json);
            var outcome = new Pipeline(GlobalOptions.Repo(parsed)).Ingest(null, cancellationToken);
            foreach (var (table, landed) in outcome.Tables)
            {
                Answer.Object(
                    json,
                    $"{table}: {Text(landed)}",
                    new { Table = table, landed.Rows, landed.DeadLetters, landed.NullUsers, landed.NullTimes, landed.Others });
            }

            foreach (var (topic, messages) in outcome.Undeclared)
            {
                Answer.Object(
                    json,
                    string.Create(CultureInfo.InvariantCulture, $"{topic}: {messages:N0} messages of a table that nobody declared; they stay in the log"),
                    new { Topic = topic, Messages = messages, Declared = false });
            }

            return Task.FromResult(ExitCodes.Ok);
        });
        return command;
    }

    public static string Text(IngestResult result) => string.Create(
        CultureInfo.InvariantCulture,
        $"{result.Rows:N0} rows landed, {result.DeadLetters:N0} dead letters, {result.NullUsers:N0} without a user, {result.NullTimes:N0} without a time{(result.Others > 0 ? $", {result.Others:N0} messages without a row" : string.Empty)}");
}
