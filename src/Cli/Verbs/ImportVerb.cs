using System.CommandLine;
using System.Globalization;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Ingest.Import;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore import transactions|customers</c>: files become change events in the change log.</summary>
internal static class ImportVerb
{
    private const string Berka = "berka";

    public static Command Create() => new("import", "Bring files into the change log.")
    {
        Table(ImportTable.Transactions, ImportMapping.BerkaTransactions, "fstore import transactions trans.csv.gz --mapping mappings/transactions.yaml"),
        Table(ImportTable.Customers, ImportMapping.BerkaCustomers, "fstore import customers feature_repo/berka --mapping berka --shift-weeks now"),
    };

    public static string Text(ImportResult result) =>
        $"{result.Appended:N0} rows imported ({result.Updated:N0} updated), {result.AlreadyThere:N0} were there, {result.Unchanged:N0} unchanged; shifted by {result.ShiftWeeks:N0} weeks";

    private static Command Table(ImportTable table, ImportMapping berka, string example)
    {
        var path = new Argument<string>("path") { Description = "A CSV file (plain or gzip), or a folder of them." };
        var mapping = new Option<string>("--mapping") { Description = "How columns map: 'berka' (the PKDD'99 bank data), or a YAML file as in feature_repo/mappings.", Required = true };
        var knownAt = new Option<string>("--known-at") { Description = "'event': history was known when it happened. 'now': it is known from now on.", DefaultValueFactory = _ => "event" };
        var shift = new Option<string>("--shift-weeks") { Description = "Whole weeks to add to all times; 'now' brings the last one within the last week, and is kept for later imports of the mapping.", DefaultValueFactory = _ => "0" };
        knownAt.AcceptOnlyFromAmong("event", "now");
        var command = new Command(table.Name, $"Import {table.Name}. Example: {example}") { path, mapping, knownAt, shift };
        command.SetAction((parsed, cancellationToken) =>
        {
            var result = new Pipeline(GlobalOptions.Repo(parsed)).Import(
                Mapping(parsed.GetValue(mapping)!, table, berka),
                parsed.GetValue(path)!,
                parsed.GetValue(knownAt) == "now" ? KnownAt.Now : KnownAt.Event,
                Shift(parsed.GetValue(shift)!),
                null,
                cancellationToken);
            Answer.Object(parsed.GetValue(GlobalOptions.Json), Text(result), result);
            return Task.FromResult(ExitCodes.Ok);
        });
        return command;
    }

    private static ImportMapping Mapping(string text, ImportTable table, ImportMapping berka)
    {
        if (text == Berka)
        {
            return berka;
        }

        return Path.GetExtension(text) is ".yaml" or ".yml"
            ? CsvMappingFile.Load(table, text)
            : throw new UsageException($"--mapping is '{text}'; write '{Berka}' or the path of a mapping file that ends in .yaml.");
    }

    private static ImportShift Shift(string text) => text == "now"
        ? ImportShift.ToNow
        : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var weeks)
            ? ImportShift.Weeks(weeks)
            : throw new UsageException($"--shift-weeks is '{text}'; write a whole number of weeks, or 'now'.");
}
