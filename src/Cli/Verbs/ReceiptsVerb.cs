using System.CommandLine;
using System.Globalization;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Contract.Values;
using FeatureStore.Scoring.Online;
using FeatureStore.Scoring.Receipts;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore receipts</c>: what was decided, from what, and whether it comes out the same again.</summary>
internal static class ReceiptsVerb
{
    private const int ListedMax = 10_000;

    private static readonly Option<string?> Model = new("--model") { Description = "Only decisions of this model." };

    public static Command Create() => new("receipts", "Decisions that were recorded: set 'fstore: {receipts: {folder: data/receipts}}' in feature_store.yaml.") { List(), Show(), Replay() };

    private static Command List()
    {
        var limit = new Option<int>("--limit") { Description = $"The newest so many, at most {ListedMax}.", DefaultValueFactory = _ => 20 };
        var entities = new Option<string[]>("--entities", "-e") { Description = "Only decisions on this entity: user_id=576. Repeat it for a key of several columns." };
        var type = new Option<string>("--entity-type") { Description = "Type of the values.", DefaultValueFactory = _ => "string" };
        type.AcceptOnlyFromAmong("string", "int64", "int32");
        var command = new Command("list", "The newest last. Example: fstore receipts list --model trouble --limit 5") { Model, limit, entities, type };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(limit) is < 1 or > ListedMax)
            {
                throw new UsageException($"--limit takes a number from 1 to {ListedMax}.");
            }

            var options = Options(parsed);
            var hash = parsed.GetValue(entities) is { Length: > 0 } keys ? Hash(options, keys, Enum.Parse<Kind>(parsed.GetValue(type)!, ignoreCase: true)) : null;
            var rows = Read(options, parsed)
                .SelectMany(r => r.Rows.Select((row, i) => (Receipt: r, Row: row, Index: i)))
                .Where(d => hash is null || d.Row.KeyHash == hash)
                .TakeLast(parsed.GetValue(limit));
            Answer.Rows(
                parsed.GetValue(GlobalOptions.Json),
                ["request_id", "time", "model", "version", "key", "outcome", "score"],
                rows.Select(d => (IReadOnlyList<object?>)
                [
                    d.Receipt.RequestId, Instant.Text(d.Receipt.Time), d.Receipt.Model, d.Receipt.Version, d.Row.KeyHash, ScoreJson.OutcomeName(d.Row.Outcome), Score(d.Receipt, d.Index),
                ]));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Show()
    {
        var id = new Argument<string>("request-id") { Description = "As the answer and the list name it." };
        var command = new Command("show", "Everything a decision was made from. Example: fstore receipts show REQUEST") { id };
        command.SetAction(parsed =>
        {
            foreach (var receipt in Named(parsed, parsed.GetValue(id)!))
            {
                if (!parsed.GetValue(GlobalOptions.Json))
                {
                    Console.Out.WriteLine($"Request {receipt.RequestId} at {Instant.Text(receipt.Time)}: {receipt.Model} {receipt.Version}, SHA-256 {receipt.Sha256}, on {receipt.FeatureService}.");
                }

                string[] columns = ["key", "outcome", "score", .. receipt.Features.Select(f => f.Name)];
                Answer.Rows(
                    parsed.GetValue(GlobalOptions.Json),
                    columns,
                    receipt.Rows.Select((row, i) => (IReadOnlyList<object?>)[row.KeyHash, ScoreJson.OutcomeName(row.Outcome), Score(receipt, i), .. receipt.Features.Select(f => f.ValueAt(i))]));
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Replay()
    {
        var id = new Argument<string?>("request-id") { Description = "One decision.", Arity = ArgumentArity.ZeroOrOne };
        var all = new Option<bool>("--all") { Description = "Every decision that is kept." };
        var command = new Command("replay", "Run decisions again on the model that made them. Example: fstore receipts replay REQUEST") { id, all, Model };
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(all) == (parsed.GetValue(id) is not null))
            {
                throw new UsageException("Name a request, or --all of them.");
            }

            var replay = new ReceiptReplay(ScoringSettings.Models(GlobalOptions.Repo(parsed)));
            var receipts = parsed.GetValue(id) is { } name ? Named(parsed, name) : Read(Options(parsed), parsed);
            return Task.FromResult(Run(replay, receipts, parsed.GetValue(GlobalOptions.Json), cancellationToken));
        });
        return command;
    }

    private static int Run(ReceiptReplay replay, IEnumerable<Receipt> receipts, bool json, CancellationToken cancellationToken)
    {
        var (requests, rows, different) = (0, 0, 0);
        foreach (var receipt in receipts)
        {
            var result = replay.Run(receipt, cancellationToken);
            requests++;
            rows += result.Rows;
            different += result.SameBits ? 0 : 1;
            if (!result.SameBits || json)
            {
                Answer.Object(
                    json,
                    string.Create(CultureInfo.InvariantCulture, $"{receipt.RequestId}: DIFFERENT scores, by up to {result.LargestDifference:G3}"),
                    new { request_id = receipt.RequestId, rows = result.Rows, same_bits = result.SameBits, largest_difference = result.LargestDifference });
            }
        }

        if (!json)
        {
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{requests:N0} requests, {rows:N0} scores run again: {(different == 0 ? "the same score, bit for bit" : $"{different:N0} requests came out otherwise")}."));
        }

        return different == 0 ? ExitCodes.Ok : ExitCodes.No;
    }

    private static ReceiptOptions Options(ParseResult parsed) =>
        ScoringSettings.Receipts(GlobalOptions.Repo(parsed).Config) ?? throw new UsageException("No receipts are kept: set 'fstore: {receipts: {folder: data/receipts}}' in feature_store.yaml, and decisions from then on are.");

    private static IEnumerable<Receipt> Read(ReceiptOptions options, ParseResult parsed) =>
        ReceiptFolder.Read(options.Folder).Where(r => parsed.GetValue(Model) is not { } model || r.Model == model);

    private static IReadOnlyList<Receipt> Named(ParseResult parsed, string id)
    {
        Receipt[] found = [.. ReceiptFolder.Read(Options(parsed).Folder).Where(r => r.RequestId == id)];
        return found.Length > 0 ? found : throw new ReceiptException($"There is no receipt of the request '{id}'; 'fstore receipts list' names those that are kept.");
    }

    private static string Hash(ReceiptOptions options, string[] entities, Kind type) => ReceiptKey.Open(options).Hash(
    [
        .. entities.Select(e => e.Split('=', 2)).Select(p => p.Length == 2 && p[0].Length > 0
            ? (p[0], EntityValueConverter.FromText(p[1], type))
            : throw new UsageException("--entities takes user_id=576.")),
    ]);

    private static object? Score(Receipt receipt, int row)
    {
        var place = Array.IndexOf(receipt.ScoredRows(), row);
        return place < 0 || receipt.Outputs.Count == 0
            ? null
            : string.Join(' ', receipt.Outputs.Select(o => $"{o.Name}={ScoreVerb.Score(o, place)}"));
    }
}
