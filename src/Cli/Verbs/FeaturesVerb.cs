using System.CommandLine;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.OfflineStore.Features;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore features compute</c> and <c>features show</c>.</summary>
internal static class FeaturesVerb
{
    private const int StepsMax = 100_000;

    public static Command Create() => new("features", "Compute aggregated views, and look at them.") { Compute(), Show() };

    private static Command Compute()
    {
        var asOf = new Option<string>("--as-of") { Description = "The last time T to compute; a window is [T - 7 d, T).", Required = true };
        var from = new Option<string?>("--from") { Description = "The first time; only the last one without it." };
        var every = new Option<string>("--every") { Description = "Step between times, for instance 7d or 12h.", DefaultValueFactory = _ => "7d" };
        var command = new Command("compute", "Example: fstore features compute --from 2026-01-05 --as-of 2026-11-02 --every 7d") { asOf, from, every };
        command.SetAction((parsed, cancellationToken) =>
        {
            var repo = GlobalOptions.Repo(parsed);
            var times = Times(parsed.GetValue(from), parsed.GetValue(asOf)!, parsed.GetValue(every)!);
            var rows = new Pipeline(repo).Compute(repo.Snapshot(), times, null, cancellationToken);
            Answer.Object(parsed.GetValue(GlobalOptions.Json), $"{rows:N0} rows written for {times.Count:N0} times", new { Rows = rows, Times = times.Count });
            return Task.FromResult(ExitCodes.Ok);
        });
        return command;
    }

    private static List<long> Times(string? from, string asOf, string every)
    {
        var last = Instant.Parse(asOf);
        var first = from is null ? last : Instant.Parse(from);
        var step = Step(every);
        if (first > last || (last - first) / step > StepsMax)
        {
            throw new UsageException($"--from must not lie after --as-of, and at most {StepsMax:N0} steps lie between them.");
        }

        var times = new List<long>();
        for (var time = first; time <= last; time += step)
        {
            times.Add(Instant.Micros(time));
        }

        return times;
    }

    private static TimeSpan Step(string text)
    {
        var unit = text.Length > 1 ? text[^1] : ' ';
        if (int.TryParse(text.AsSpan(0, Math.Max(0, text.Length - 1)), out var count) && count > 0 && unit is 'd' or 'h')
        {
            return unit == 'd' ? TimeSpan.FromDays(count) : TimeSpan.FromHours(count);
        }

        throw new UsageException($"--every is '{text}'; write a number with d or h, as in 7d.");
    }

    private static Command Show()
    {
        var asOf = new Option<string>("--as-of") { Description = "Show the newest rows at or before this time.", Required = true };
        var user = new Option<string?>("--user") { Description = "Only this entity." };
        var viewName = new Option<string?>("--feature-view") { Description = "Which view; needed when several are aggregated." };
        var command = new Command("show", "Example: fstore features show --as-of 2026-11-02 --user 576") { asOf, user, viewName };
        command.SetAction((parsed, cancellationToken) =>
        {
            var repo = GlobalOptions.Repo(parsed);
            var view = Choose(repo.Snapshot(), parsed.GetValue(viewName));
            var rows = repo.FeatureReader()
                .Show(view, Instant.Micros(Instant.Parse(parsed.GetValue(asOf)!)), parsed.GetValue(user), cancellationToken);
            string[] columns = [.. view.JoinKeys.Select(k => k.Name), .. view.Features.Select(f => f.Name), "event_timestamp", "created_timestamp"];
            Answer.Rows(parsed.GetValue(GlobalOptions.Json), columns, rows.Select(Cells));
            return Task.FromResult(ExitCodes.Ok);
        });
        return command;
    }

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
