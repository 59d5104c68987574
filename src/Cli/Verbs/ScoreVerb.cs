using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Contract.Values;
using FeatureStore.Scoring.Online;
using FeatureStore.Serving;
using FeatureStore.Serving.Retrieval;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore score</c>: scores entities with a live model, by the online store of the repo, in this process.</summary>
internal static class ScoreVerb
{
    public static Command Create()
    {
        var model = new Option<string>("--model") { Description = "A model with a live version: see 'fstore models list'.", Required = true };
        var entities = new Option<string[]>("--entities", "-e") { Description = "Join key and values: user_id=1,2. May be repeated for a key of several columns.", Required = true };
        var data = new Option<string[]>("--request") { Description = "A value for on-demand views, one for each entity, as their request source declares it: amount=250,12.5. May be repeated." };
        var requestId = new Option<string?>("--request-id") { Description = "Names the decision in its receipt; left out, one is made." };
        var command = new Command("score", "Score entities with the features that are online. Example: fstore score --model trouble --entities user_id=576,2378") { model, entities, data, requestId };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var repo = GlobalOptions.Repo(parsed);
            await using var store = repo.OnlineStore();
            var runtime = new ServingRuntime(repo.Snapshot(), store, TimeProvider.System, new RetrievalLimits(), StatusPolicy.From(repo.Config));
            using var models = ScoringSettings.Live(repo, runtime, parsed.GetValue(model)!);
            models.Refresh();
            await using var receipts = ScoringSettings.OpenReceipts(repo.Config);
            using var call = new OnlineScorer(runtime, models, receipts).Begin(parsed.GetValue(model)!);
            EntityColumn[] columns = [.. parsed.GetValue(entities)!.Select(e => Column(call.Plan, e)), .. (parsed.GetValue(data) ?? []).Select(d => Data(call.Plan, d))];
            var batch = await call.RunAsync(columns, parsed.GetValue(requestId), cancellationToken);
            Print(batch, parsed.GetValue(GlobalOptions.Json));
            return batch.Rows.All(r => r.Outcome == RowOutcome.Scored) ? ExitCodes.Ok : ExitCodes.No;
        });
        return command;
    }

    private static EntityColumn Column(RetrievalPlan plan, string text)
    {
        var at = text.IndexOf('=', StringComparison.Ordinal);
        if (at <= 0)
        {
            throw new UsageException($"--entities is '{text}'; write user_id=1,2.");
        }

        if (plan.RequestType(text[..at]) is not null)
        {
            throw new UsageException($"--entities names '{text[..at]}', which is a value for on-demand views; send it as --request {text}.");
        }

        var type = plan.EntityType(text[..at]) ?? throw new UsageException($"--entities names '{text[..at]}', which is no join key of the project.");
        return new EntityColumn(text[..at], [.. text[(at + 1)..].Split(',').Select(v => EntityValueConverter.FromText(v, type == Kind.Invalid ? Kind.String : type))]);
    }

    private static EntityColumn Data(RetrievalPlan plan, string text)
    {
        var (name, values) = RequestData.Split(text);
        var type = plan.RequestType(name) ?? throw new UsageException($"--request names '{name}', which no on-demand view of the model takes.");
        return new EntityColumn(name, RequestData.Typed(name, values, type));
    }

    private static void Print(ScoredBatch batch, bool json)
    {
        foreach (var warning in batch.Warnings)
        {
            Console.Error.WriteLine($"warning: {warning}");
        }

        if (json)
        {
            for (var row = 0; row < batch.Rows.Count; row++)
            {
                Console.Out.WriteLine(Line(batch, row));
            }

            return;
        }

        string[] keys = [.. Enumerable.Range(0, batch.Rows.Count).Select(row => string.Join(' ', batch.Entities.Select(e => ValueJson.Text(e.Values[row]).Trim('"'))))];
        Answer.Rows(
            json: false,
            ["entity", "outcome", .. batch.Outputs.Select(o => o.Name), "oldest feature", "missing"],
            keys.Select((key, row) => (IReadOnlyList<object?>)
            [
                key, ScoreJson.OutcomeName(batch.Rows[row].Outcome), .. batch.Outputs.Select(o => Score(o, batch.Rows[row].Batch)), Age(batch, row), string.Join(", ", batch.Rows[row].Missing),
            ]));
        Answer.Rows(json: false, ["feature", .. keys], batch.FeatureNames.Select((name, f) => (IReadOnlyList<object?>)[name, .. keys.Select((_, row) => Cell(batch, f, row))]));
        Console.Out.WriteLine($"Model {batch.Model.Name} {batch.Model.Version}, SHA-256 {batch.Model.Model.Sha256}, on {batch.Model.FeatureService}; request {batch.RequestId}.");
    }

    private static string Line(ScoredBatch batch, int row)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, ValueJson.WriterOptions))
        {
            ScoreJson.WriteLine(writer, batch, row);
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <summary>An output of a scored row; empty for a row that was not.</summary>
    public static string Score(Scoring.Runtime.Tensor output, int row)
    {
        var value = ScoreValues.Of(output, row);
        return row < 0 ? string.Empty
            : value.ValCase == Feast.Types.Value.ValOneofCase.FloatVal ? value.FloatVal.ToString(CultureInfo.InvariantCulture)
            : ValueJson.Text(value);
    }

    private static string Age(ScoredBatch batch, int row) => batch.AgeMillis(row) is { } age
        ? string.Create(CultureInfo.InvariantCulture, $"{Instant.Text(Instant.FromMicros(batch.Rows[row].OldestEventMicros!.Value))} ({TimeSpan.FromMilliseconds(age).TotalDays:0.0} days ago)")
        : "none";

    private static string Cell(ScoredBatch batch, int feature, int row)
    {
        var column = batch.Features[feature];
        var text = column.Value(row).Length == 0 ? string.Empty : ValueJson.Text(Feast.Types.Value.Parser.ParseFrom(column.Value(row))).Trim('"');
        return column.Statuses[row] == Feast.Serving.FieldStatus.Present ? text : $"{text} {GetOnlineFeaturesVerb.Name(column.Statuses[row])}".Trim();
    }
}
