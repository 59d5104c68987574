using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Client;
using FeatureStore.Ingest.Import;
using FeatureStore.Jobs.Materialize;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving;
using FeatureStore.Serving.Hosting;
using FeatureStore.Serving.Retrieval;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore demo</c>: a real bank's year, from its file to an answer over gRPC, and the proof that it is right.</summary>
internal static class DemoVerb
{
    private const string Service = "fraud_v1";
    private const string Users = "user_id=576,2378,1787,nobody";

    // The first Monday after the first transaction of 1993.
    private static readonly DateTimeOffset FirstMonday = new(1993, 1, 4, 0, 0, 0, TimeSpan.Zero);

    public static Command Create()
    {
        var fresh = new Option<bool>("--fresh") { Description = "Remove the repo's lake, change log, online store and registry first." };
        var command = new Command("demo", "Run everything on real bank transactions of 1993, moved to end within the last week. Example: fstore demo") { fresh };
        command.SetAction((parsed, cancellationToken) => RunAsync(GlobalOptions.Repo(parsed), parsed.GetValue(fresh), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Repo repo, bool fresh, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        if (fresh)
        {
            repo.RemoveData();
        }

        var pipeline = new Pipeline(repo);
        var steps = new StepReport(Console.Out, !Console.IsOutputRedirected);
        var now = TimeProvider.System.GetUtcNow();
        var data = Path.Combine(AppContext.BaseDirectory, "berka", "trans-1993.csv.gz");
        var imported = await steps.RunAsync("import", _ => Done(pipeline.ImportTransactions(data, KnownAt.Event, ImportShift.ToNow, cancellationToken), ImportVerb.Text));
        await steps.RunAsync("ingest", progress => Done(pipeline.Ingest(progress, cancellationToken), IngestVerb.Text));
        await steps.RunAsync("apply", async _ =>
        {
            var result = await ApplyVerb.RunAsync(repo, null, cancellationToken);
            return (result, result.Written ? $"{result.Added.Count} added, {result.Changed.Count} changed, {result.Removed.Count} removed" : "nothing to change");
        });
        var snapshot = repo.Snapshot();
        var first = FirstMonday.AddDays(7 * imported.ShiftWeeks);
        var mondays = Mondays(first, Instant.MondayAtOrBefore(now));
        await steps.RunAsync("features", progress => Done(
            pipeline.Compute(snapshot, mondays, progress, cancellationToken), rows => $"{rows:N0} new rows for {mondays.Count} Mondays from {first:yyyy-MM-dd}"));
        var views = pipeline.Materializable(snapshot);
        foreach (var view in views)
        {
            await steps.RunAsync("materialize", async progress =>
            {
                var counts = await pipeline.MaterializeAsync(view, MaterializeRange.Between(first, now, now), progress, cancellationToken);
                return (counts, $"{view.Name}: {counts.Written:N0} entities online");
            });
        }

        await steps.RunAsync("serve", async _ => (true, await AskAsync(repo, snapshot, cancellationToken)));
        var passed = await VerifyAsync(pipeline, views, steps, cancellationToken);
        Summary(clock.Elapsed);
        return passed ? ExitCodes.Ok : ExitCodes.No;
    }

    private static Task<(T Result, string Line)> Done<T>(T result, Func<T, string> line) => Task.FromResult((result, line(result)));

    private static List<long> Mondays(DateTimeOffset first, DateTimeOffset last)
    {
        var times = new List<long>();
        for (var monday = first; monday <= last; monday = monday.AddDays(7))
        {
            times.Add(Instant.Micros(monday));
        }

        return times;
    }

    private static async Task<string> AskAsync(Repo repo, RegistrySnapshot snapshot, CancellationToken cancellationToken)
    {
        await using var store = repo.OnlineStore();
        var runtime = new ServingRuntime(snapshot, store, TimeProvider.System, new RetrievalLimits());
        await using var server = await FeatureServer.StartAsync(runtime, new FeatureServerOptions(IPAddress.Loopback, 0), cancellationToken);
        using var client = new FeatureStoreClient(server.GrpcAddress);
        var request = GetOnlineFeaturesVerb.Request(Service, null, [Users], Kind.String);

        // The first call opens the connection and compiles the plan; the second is what a caller sees.
        await client.GetOnlineFeaturesAsync(request, null, cancellationToken);
        var elapsed = await GetOnlineFeaturesVerb.AskAsync(client, request, json: false, cancellationToken);
        return string.Create(CultureInfo.InvariantCulture, $"{Service} answered over gRPC in {elapsed.TotalMilliseconds:0.0} ms");
    }

    private static async Task<bool> VerifyAsync(
        Pipeline pipeline, IReadOnlyList<FeatureViewModel> views, StepReport steps, CancellationToken cancellationToken)
    {
        var passed = views.Count > 0;
        foreach (var view in views)
        {
            passed &= await steps.RunAsync("parity", async _ =>
            {
                var report = await pipeline.VerifyAsync(view, cancellationToken)
                    ?? throw new InvalidOperationException($"{view.Name} was just materialised, and the registry does not say so.");
                return (report.Passed && report.Total > 0, $"{view.Name}: {report.Equal:N0} of {report.Total:N0} equal");
            });
        }

        return passed;
    }

    private static void Summary(TimeSpan elapsed)
    {
        Console.Out.WriteLine();
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Done in {elapsed.TotalSeconds:0.0} s. Try next:"));
        Console.Out.WriteLine("  ./fstore serve");
        Console.Out.WriteLine($"  ./fstore get-online-features --feature-service {Service} --entities user_id=576,2378    (from another terminal)");
        Console.Out.WriteLine($"  ./fstore features show --as-of {TimeProvider.System.GetUtcNow():yyyy-MM-dd} --user 576");
        Console.Out.WriteLine("  ./fstore verify parity");
    }
}
