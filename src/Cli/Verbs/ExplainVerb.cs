using System.CommandLine;
using System.Globalization;
using Feast.Types;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Values;
using FeatureStore.OfflineStore.Explain;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OnlineStore;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore explain</c>: the rows, positions, files and arithmetic behind one served number.</summary>
internal static class ExplainVerb
{
    private static readonly string[] Columns = ["value", "event_timestamp", "known", "op", "key", "lsn", "file"];

    public static Command Create()
    {
        var view = new Option<string>("--view") { Description = "A feature view.", Required = true };
        var feature = new Option<string>("--feature") { Description = "One of its features.", Required = true };
        var entities = new Option<string[]>("--entity", "-e") { Description = "Each join key and its value: user_id=576.", Required = true };
        var command = new Command(
            "explain", "Show where a served value comes from. Example: fstore explain --view user_transactions_l1w --feature total_amount_l1w --entity user_id=576") { view, feature, entities };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            GlobalOptions.Repo(parsed), parsed.GetValue(view)!, parsed.GetValue(feature)!, parsed.GetValue(entities)!, parsed.GetValue(GlobalOptions.Json), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Repo repo, string viewName, string featureName, string[] entities, bool json, CancellationToken cancellationToken)
    {
        var views = repo.Snapshot().FeatureViews;
        var view = views.GetValueOrDefault(viewName) ?? throw new UsageException($"--view {viewName}: there is no such feature view; there are {string.Join(", ", views.Keys)}.");
        var feature = view.Features.FirstOrDefault(f => f.Name == featureName)
            ?? throw new UsageException($"--feature {featureName}: {viewName} has no such feature; it has {string.Join(", ", view.Features.Select(f => f.Name))}.");
        var keys = Keys(view, entities);
        var (served, read) = await ReadAsync(repo, view, feature, keys, cancellationToken);
        if (read.EventTimeMicros is not { } time)
        {
            await Console.Error.WriteLineAsync($"fstore: the online store has no row of {viewName} for this entity, so NOT_FOUND is served.");
            return ExitCodes.No;
        }

        if (new FeatureExplainer(repo.Lake, LakeOptions.Read(repo.Config)).Explain(view, feature, keys, time, cancellationToken) is not { } explanation)
        {
            await Console.Error.WriteLineAsync(
                $"fstore: {Served(featureName, served, time)}, but {view.Source.Path} has no row of that time: it was pushed, or written by another program.");
            return ExitCodes.No;
        }

        // The reader of the feature table and the store speak of the same value if their bytes do.
        var isStored = Plain(explanation.Row.Value) == Plain(Number(served));
        Print(json, featureName, served, time, explanation, isStored);
        return isStored && explanation.Agrees ? ExitCodes.Ok : ExitCodes.No;
    }

    private static List<string> Keys(FeatureViewModel view, string[] entities)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var text in entities)
        {
            var at = text.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0 || !given.TryAdd(text[..at], text[(at + 1)..]))
            {
                throw new UsageException($"--entity is '{text}'; write each join key once, as in user_id=576.");
            }
        }

        return given.Count == view.JoinKeys.Count && view.JoinKeys.All(k => given.ContainsKey(k.Name))
            ? [.. view.JoinKeys.Select(k => given[k.Name])]
            : throw new UsageException($"{view.Name} has the join keys {string.Join(", ", view.JoinKeys.Select(k => k.Name))}; give each with --entity.");
    }

    private static async Task<(Value Served, OnlineRead Read)> ReadAsync(
        Repo repo, FeatureViewModel view, FieldModel feature, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        await using var store = repo.OnlineStore();
        var key = EntityKeyEncoder.Encode([.. view.JoinKeys.Zip(keys, (k, text) => (k.Name, EntityValueConverter.FromText(text, k.Type)))], repo.Config.EntityKeyVersion);
        var read = (await store.ReadAsync([repo.Table(view) with { Features = [feature.Name] }], [key], cancellationToken))[0][0];
        return (Value.Parser.ParseFrom(read.Values[0] ?? []), read);
    }

    private static void Print(bool json, string feature, Value served, long time, Explanation explanation, bool isStored)
    {
        var row = explanation.Row;
        if (json)
        {
            Answer.Object(true, string.Empty, new
            {
                Feature = feature,
                Served = Number(served),
                EventTimestamp = Text(time),
                explanation.Row,
                explanation.Function,
                explanation.Rows,
                explanation.Arithmetic,
                explanation.Recomputed,
                IsStored = isStored,
                explanation.Agrees,
            });
            return;
        }

        Console.WriteLine(Served(feature, served, time));
        Console.WriteLine($"from    {row.File}, created {(row.CreatedMicros is { } created ? Text(created) : "at no noted time")}, value {Plain(row.Value)}{(isStored ? "" : "  DIFFERS from the store's")}");
        if (explanation.WindowStartMicros is { } start)
        {
            Console.WriteLine($"window  {Text(start)} to before {Text(row.EventTimeMicros)}, as known at {Text(row.CreatedMicros ?? row.EventTimeMicros)}");
        }

        if (explanation.Rows.Count > 0)
        {
            Answer.Rows(false, Columns, explanation.Rows.Select(r => (IReadOnlyList<object?>)[r.Value, Text(r.EventTimeMicros), Text(r.KnownMicros), r.Op, r.Key, r.Lsn, r.File]));
        }

        if (explanation.Function is { } function)
        {
            Console.WriteLine($"{function}: {explanation.Arithmetic}{(explanation.Agrees ? "" : $"  DIFFERS from the table's {Plain(row.Value)}")}");
        }
    }

    private static string Served(string feature, Value served, long time) => $"{feature} = {Plain(Number(served))} at {Text(time)}";

    private static string Text(long micros) => Instant.Text(Instant.FromMicros(micros));

    private static string Plain(object? value) => value is null ? "null" : value is double number ? number.ToString("R", CultureInfo.InvariantCulture) : Convert.ToString(value, CultureInfo.InvariantCulture)!;

    private static object? Number(Value value) => value.ValCase switch
    {
        Value.ValOneofCase.None => null,
        Value.ValOneofCase.Int64Val => value.Int64Val,
        Value.ValOneofCase.Int32Val => value.Int32Val,
        Value.ValOneofCase.DoubleVal => value.DoubleVal,
        Value.ValOneofCase.FloatVal => (double)value.FloatVal,
        Value.ValOneofCase.StringVal => value.StringVal,
        Value.ValOneofCase.BoolVal => value.BoolVal,
        Value.ValOneofCase.UnixTimestampVal => value.UnixTimestampVal * 1_000_000,
        _ => ValueJson.Text(value),
    };
}
