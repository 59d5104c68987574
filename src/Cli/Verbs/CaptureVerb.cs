using System.CommandLine;
using System.Globalization;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Ingest.Postgres;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore capture</c>: the changes of PostgreSQL tables land in the lake, without a broker between.</summary>
internal static class CaptureVerb
{
    public static Command Create()
    {
        var untilCaughtUp = new Option<bool>("--until-caught-up") { Description = "End when everything that was committed before the start is landed; else run until told to stop." };
        var resnapshot = new Option<bool>("--resnapshot") { Description = "Make the slot anew and replace the rows by a snapshot: the way out when the slot is lost." };
        var alsoTo = new Option<string?>("--also-to") { Description = "kafka: send each change to Kafka too, before it is landed, as the event that Debezium's connector would send. What was landed before is not sent." };
        alsoTo.AcceptOnlyFromAmong("kafka");
        var command = new Command("capture", "Land PostgreSQL's changes in the lake. Example: fstore capture --until-caught-up") { untilCaughtUp, resnapshot, alsoTo, Status() };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var json = parsed.GetValue(GlobalOptions.Json);
            var repo = GlobalOptions.Repo(parsed);
            using var publisher = parsed.GetValue(alsoTo) is null ? null : KafkaFeed.Publisher(repo, Console.Error.WriteLine);
            try
            {
                var result = await PostgresCapture.Open(repo, publisher, Console.Error.WriteLine).RunAsync(parsed.GetValue(untilCaughtUp), parsed.GetValue(resnapshot), null, cancellationToken);
                Answer.Object(
                    json,
                    string.Create(CultureInfo.InvariantCulture, $"{result.Snapshot:N0} rows of a snapshot and {result.Changes:N0} of {result.Transactions:N0} transactions landed; durable to {CaptureStatus.Text(result.DurableLsn)}"),
                    new { result.Snapshot, result.Changes, result.Transactions, DurableLsn = CaptureStatus.Text(result.DurableLsn) });
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && !parsed.GetValue(untilCaughtUp))
            {
                // Told to stop while the snapshot was taken, which is begun anew.
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Status()
    {
        var command = new Command("status", "The slot beside the lake: lag, wal_status, positions, and whether changes are missing (exit code 1). Example: fstore capture status");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var status = await PostgresCapture.Open(GlobalOptions.Repo(parsed)).StatusAsync(cancellationToken);
            Answer.Object(parsed.GetValue(GlobalOptions.Json), Text(status), status);
            return status.Gap is null ? ExitCodes.Ok : ExitCodes.No;
        });
        return command;
    }

    private static string Text(CaptureStatus status) => string.Create(
        CultureInfo.InvariantCulture,
        $"slot {status.Slot}: {status.State}, wal_status {status.WalStatus ?? "none"}, {status.LagBytes ?? 0:N0} bytes behind; confirmed {status.ConfirmedLsn ?? "nothing"}, durable in the lake {status.DurableLsn ?? "nothing"}{(status.Gap is null ? string.Empty : $"\n{status.Gap}")}");
}
