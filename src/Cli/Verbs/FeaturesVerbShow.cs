using System.CommandLine;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore features show</c> and <c>features source-rows</c>: what is known, and what was known at a time.</summary>
internal static class FeaturesVerbShow
{
    private const int LimitMax = 1_000_000;

    public static Command Show()
    {
        var asOf = new Option<string>("--as-of") { Description = "Show the newest rows at or before this time.", Required = true };
        var known = new Option<string?>("--as-of-known") { Description = "As they were known at this time; without it, as they are known now." };
        var history = new Option<bool>("--history") { Description = "Every version of the newest row, each with the time from which it was known." };
        var user = new Option<string?>("--user") { Description = "Only this entity." };
        var viewName = new Option<string?>("--feature-view") { Description = "Which view; needed when several are aggregated." };
        var command = new Command("show", "Example: fstore features show --as-of 2026-11-02 --as-of-known 2026-11-04T12:00:00 --user 576") { asOf, known, history, user, viewName };
        command.SetAction((parsed, cancellationToken) =>
        {
            var repo = GlobalOptions.Repo(parsed);
            var view = Choose(repo.Snapshot(), parsed.GetValue(viewName));
            var rows = repo.FeatureReader().Show(
                view, Instant.Micros(Instant.Parse(parsed.GetValue(asOf)!)), parsed.GetValue(user), cancellationToken, Known(parsed.GetValue(known)), parsed.GetValue(history));
            string[] columns = [.. view.JoinKeys.Select(k => k.Name), .. view.Features.Select(f => f.Name), "event_timestamp", "created_timestamp"];
            Answer.Rows(parsed.GetValue(GlobalOptions.Json), columns, rows.Select(Cells));
            return Task.FromResult(ExitCodes.Ok);
        });
        return command;
    }

    public static Command SourceRows()
    {
        var table = new Option<string>("--table") { Description = "Change table below the lake, for instance cdc/transactions.", Required = true };
        var known = new Option<string?>("--as-of-known") { Description = "The rows as they were known at this time; without it, as they are known now." };
        var version = new Option<long?>("--lake-version") { Description = "From the table as it was at a version of its log, so that what arrived since does not count." };
        var limit = new Option<int>("--limit") { Description = $"At most so many, up to {LimitMax}.", DefaultValueFactory = _ => 100 };
        var command = new Command("source-rows", "Living rows of a source table, told from its changes. Example: fstore features source-rows --table cdc/transactions --as-of-known 2026-11-04") { table, known, version, limit };
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(limit) is < 1 or > LimitMax)
            {
                throw new UsageException($"--limit takes a number from 1 to {LimitMax}.");
            }

            var repo = GlobalOptions.Repo(parsed);
            var source = new SourceRows(repo.Lake, LakeOptions.Read(repo.Config));
            var columns = source.Columns(parsed.GetValue(table)!, cancellationToken);
            var rows = source.KnownAt(parsed.GetValue(table)!, Known(parsed.GetValue(known)), cancellationToken, parsed.GetValue(version)).Take(parsed.GetValue(limit));
            Answer.Rows(
                parsed.GetValue(GlobalOptions.Json),
                [.. columns.Select(c => c.Name), "known_from"],
                rows.Select(r => (IReadOnlyList<object?>)[.. r.Values.Select((v, i) => Plain(columns[i], v)), Instant.Text(Instant.FromMicros(r.KnownMicros))]));
            return Task.FromResult(ExitCodes.Ok);
        });
        return command;
    }

    private static long Known(string? text) => text is null ? OfflineStore.Features.SourceRows.Now : Instant.Micros(Instant.Parse(text));

    private static object? Plain(LakeColumn column, object? value) => (column.Type, value) switch
    {
        (LakeType.Timestamp, long micros) => Instant.Text(Instant.FromMicros(micros)),
        (_, DateOnly day) => day.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture),
        _ => value,
    };

    private static FeatureViewModel Choose(RegistrySnapshot snapshot, string? name)
    {
        var views = snapshot.FeatureViews.Values.Where(v => name is null ? v.Aggregated is not null : v.Name == name).ToArray();
        return views.Length == 1
            ? views[0]
            : throw new UsageException($"Name one view with --feature-view: {string.Join(", ", snapshot.FeatureViews.Keys)} ({RepoConfig.FileName}'s registry).");
    }

    private static IReadOnlyList<object?> Cells(ShownRow row) =>
    [
        .. row.Keys,
        .. row.Values,
        Instant.Text(Instant.FromMicros(row.EventTimeMicros)),
        row.CreatedTimeMicros is { } created ? Instant.Text(Instant.FromMicros(created)) : null,
    ];
}
