using System.CommandLine;
using System.Globalization;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore features compute</c> and <c>features show</c>.</summary>
internal static class FeaturesVerb
{
    private const int StepsMax = 100_000;

    public static Command Create() => new("features", "Compute aggregated views, and look at them.") { Compute(), FeaturesVerbShow.Show(), FeaturesVerbShow.SourceRows() };

    private static Command Compute()
    {
        var asOf = new Option<string?>("--as-of") { Description = "The last time T to compute; a window is [T - 7 d, T)." };
        var from = new Option<string?>("--from") { Description = "The first time; only the last one without it." };
        var every = new Option<string>("--every") { Description = "Step between times, for instance 7d or 12h.", DefaultValueFactory = _ => "7d" };
        var touched = new Option<bool>("--touched") { Description = "Instead, every time that was computed before, for the users and weeks that changes since then may have altered." };
        var command = new Command("compute", "Example: fstore features compute --from 2026-01-05 --as-of 2026-11-02 --every 7d, later fstore features compute --touched") { asOf, from, every, touched };
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(touched) == (parsed.GetValue(asOf) is not null) || (parsed.GetValue(touched) && parsed.GetValue(from) is not null))
            {
                throw new UsageException("Give --as-of, the last time to compute, or --touched, which takes the times that were computed before.");
            }

            var repo = GlobalOptions.Repo(parsed);
            if (parsed.GetValue(touched))
            {
                Touched(repo, parsed.GetValue(GlobalOptions.Json), cancellationToken);
                return Task.FromResult(ExitCodes.Ok);
            }

            var times = Times(parsed.GetValue(from), parsed.GetValue(asOf)!, parsed.GetValue(every)!);
            var rows = new Pipeline(repo).Compute(repo.Snapshot(), times, null, cancellationToken);
            Answer.Object(parsed.GetValue(GlobalOptions.Json), $"{rows:N0} rows written for {times.Count:N0} times", new { Rows = rows, Times = times.Count });
            return Task.FromResult(ExitCodes.Ok);
        });
        return command;
    }

    private static void Touched(Repo repo, bool json, CancellationToken cancellationToken)
    {
        foreach (var (view, result) in new Pipeline(repo).ComputeTouched(repo.Snapshot(), cancellationToken))
        {
            Answer.Object(
                json,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{view}: {result.Users:N0} users touched in {result.Times:N0} weeks, {result.RowsWritten:N0} rows written{(result.TimesWhole > 0 ? $"; {result.TimesWhole:N0} weeks computed whole" : string.Empty)}; true up to version {result.ToVersion} of its source"),
                new { View = view, result.Users, Weeks = result.Times, Rows = result.RowsWritten, WeeksWhole = result.TimesWhole, result.FromVersion, result.ToVersion });
        }
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
}
