using System.CommandLine;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Ingest.Import;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore import transactions</c>: a file becomes change events in the change log.</summary>
internal static class ImportVerb
{
    public static Command Create()
    {
        var path = new Argument<string>("path") { Description = "A CSV file (plain or gzip), or a folder of them." };
        var mapping = new Option<string>("--mapping") { Description = "How columns map; 'berka' is the one there is.", Required = true };
        var knownAt = new Option<string>("--known-at") { Description = "'event': history was known when it happened. 'now': it is known from now on.", DefaultValueFactory = _ => "event" };
        var shift = new Option<int>("--shift-weeks") { Description = "Whole weeks to add to all times." };
        mapping.AcceptOnlyFromAmong("berka");
        knownAt.AcceptOnlyFromAmong("event", "now");
        var transactions = new Command("transactions", "Example: fstore import transactions trans.csv.gz --mapping berka") { path, mapping, knownAt, shift };
        transactions.SetAction((parsed, cancellationToken) =>
        {
            var result = new Pipeline(GlobalOptions.Repo(parsed)).ImportTransactions(
                parsed.GetValue(path)!,
                parsed.GetValue(knownAt) == "now" ? KnownAt.Now : KnownAt.Event,
                ImportShift.Weeks(parsed.GetValue(shift)),
                cancellationToken);
            Answer.Object(parsed.GetValue(GlobalOptions.Json), Text(result), result);
            return Task.FromResult(ExitCodes.Ok);
        });
        return new Command("import", "Bring files into the change log.") { transactions };
    }

    public static string Text(ImportResult result) =>
        $"{result.Appended:N0} rows imported ({result.Updated:N0} updated), {result.AlreadyThere:N0} were there, {result.Unchanged:N0} unchanged; shifted by {result.ShiftWeeks:N0} weeks";
}
