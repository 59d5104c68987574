using System.Globalization;
using System.Reflection;
using FeatureStore.Load.Targets;
using FeatureStore.Load.Wire;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Load;

/// <summary>What a comparison runs.</summary>
/// <param name="Rows">Entity rows in a request, of 50 features each.</param>
/// <param name="WarmCalls">Calls to each server before the first that counts.</param>
/// <param name="FeaturesAlone">Leaves the echo out.</param>
internal sealed record ComparisonOptions(bool Redis, int Entities, int Rows, int Pairs, TimeSpan Span, int ServerCore, int WarmCalls = 60_000, bool FeaturesAlone = false);

/// <summary>One kind of load against one server, measured once.</summary>
internal sealed record Sample(LoadResult Load, double CpuSecondsPer1000);

/// <summary>Measures <c>fstore serve</c> against the echo, alternately, in one run.</summary>
internal sealed class Comparison(ComparisonOptions options, TextWriter output)
{
    private const string Path = "/feast.serving.ServingService/GetOnlineFeatures";
    private const int DistinctRequests = 500;
    private const int WarmRoundsMax = 30;
    private static readonly int[] Callers = [1, 10, 50];

    public async Task RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("load").FullName;
        try
        {
            if (options.Redis)
            {
                await using var redis = await RedisServer.StartAsync();
                await CompareAsync(new LoadRepo(folder, redis.Address));
            }
            else
            {
                await CompareAsync(new LoadRepo(folder, null));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // FSTORE names another build, so that two can be compared with the same echo.
    private static string Fstore() => Environment.GetEnvironmentVariable("FSTORE") is { Length: > 0 } other
        ? other
        : typeof(Comparison).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "Fstore").Value!;

    private static Sample Measure(ServerProcess server, Func<LoadResult> load)
    {
        var cpu = server.CpuSeconds;
        var result = load();
        if (result.Wrong > 0)
        {
            throw new InvalidDataException($"{result.Wrong} of {result.Calls} answers are not the expected ones (the first: {result.FirstWrong}); the figures would mean nothing.");
        }

        return new Sample(result, (server.CpuSeconds - cpu) * 1000 / result.Calls);
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    private async Task CompareAsync(LoadRepo repo)
    {
        repo.WriteDefinitions();
        await ServerProcess.RunAsync(repo.Folder, Fstore(), "apply");
        await repo.WriteRowsAsync(options.Entities, TimeProvider.System.GetUtcNow());
        using var features = await ServerProcess.StartAsync(options.ServerCore, repo.Folder, Fstore(), "serve", "--grpc-port", "0", "--http-port", "0");
        var requests = Requests(features);
        if (options.FeaturesAlone)
        {
            Hold(features, requests);
            return;
        }

        var answer = System.IO.Path.Combine(repo.Folder, "answer");
        await File.WriteAllBytesAsync(answer, requests[0].Expected!);
        using var echo = await ServerProcess.StartAsync(options.ServerCore, repo.Folder, typeof(Comparison).Assembly.Location, "echo", answer);
        LoadRequest[] echoRequests = [.. requests.Select(r => r with { Expected = requests[0].Expected })];
        output.WriteLine($"store {(options.Redis ? "redis" : "sqlite")}, {options.Entities} entities, {options.Rows} x {LoadRepo.Views * LoadRepo.FeaturesPerView} features, answer {requests[0].Expected!.Length} bytes, {options.Pairs} pairs of {options.Span.TotalSeconds:0.#} s, server {features.Id}, echo {echo.Id}");
        Warm(features, requests);
        Warm(echo, echoRequests);
        var capacity = (0.0, 0.0);
        foreach (var callers in Callers)
        {
            capacity = Pairs(
                $"closed c={callers}",
                () => Measure(features, () => LoadRun.Closed(features.Address, Path, requests, callers, options.Span)),
                () => Measure(echo, () => LoadRun.Closed(echo.Address, Path, echoRequests, callers, options.Span)));
        }

        Pairs(
            "open, half load",
            () => Measure(features, () => LoadRun.Open(features.Address, Path, requests, capacity.Item1 / 2, options.Span)),
            () => Measure(echo, () => LoadRun.Open(echo.Address, Path, echoRequests, capacity.Item2 / 2, options.Span)));
        var rate = capacity.Item1 / 2;
        Pairs(
            string.Create(CultureInfo.InvariantCulture, $"open, {rate:0}/s both"),
            () => Measure(features, () => LoadRun.Open(features.Address, Path, requests, rate, options.Span)),
            () => Measure(echo, () => LoadRun.Open(echo.Address, Path, echoRequests, rate, options.Span)));
    }

    private void Hold(ServerProcess features, LoadRequest[] requests)
    {
        output.WriteLine($"server {features.Id}");
        Warm(features, requests);
        output.WriteLine("warm");
        Print("hold c=50", "fstore", [.. Enumerable.Range(0, options.Pairs).Select(_ => Measure(features, () => LoadRun.Closed(features.Address, Path, requests, 50, options.Span)))]);
    }

    // Every distinct request is asked once and its answer read value by value; under load the bytes must be those.
    private LoadRequest[] Requests(ServerProcess features)
    {
        var asked = LoadRepo.Requests(options.Entities, DistinctRequests, options.Rows);
        var answers = LoadRun.Answers(features.Address, Path, [.. asked.Select(a => new LoadRequest(a.Message, null))]);
        for (var i = 0; i < asked.Length; i++)
        {
            LoadRepo.Check(answers[i], asked[i].Entities);
        }

        return [.. asked.Select((a, i) => new LoadRequest(a.Message, answers[i]))];
    }

    // Until the compiler has done its last tier: it costs a server's core more than the calls do, and shows in every figure.
    private void Warm(ServerProcess server, LoadRequest[] requests)
    {
        long calls = 0;
        for (var round = 0; round < WarmRoundsMax && calls < options.WarmCalls; round++)
        {
            calls += Measure(server, () => LoadRun.Closed(server.Address, Path, requests, 50, options.Span)).Load.Calls;
        }
    }

    private (double Features, double Echo) Pairs(string name, Func<Sample> features, Func<Sample> echo)
    {
        var samples = Enumerable.Range(0, options.Pairs).Select(_ => (Features: features(), Echo: echo())).ToArray();
        var ratios = samples.Select(s => s.Features.Load.PerSecond / s.Echo.Load.PerSecond).ToArray();
        Print(name, "fstore", samples.Select(s => s.Features).ToArray());
        Print(name, "echo", samples.Select(s => s.Echo).ToArray());
        var costs = samples.Select(s => s.Echo.CpuSecondsPer1000 / s.Features.CpuSecondsPer1000).ToArray();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-20} share of the echo by rate {Median(ratios):0.00} ({ratios.Min():0.00}-{ratios.Max():0.00}), by cpu {Median(costs):0.00} ({costs.Min():0.00}-{costs.Max():0.00})"));
        return (Median(samples.Select(s => s.Features.Load.PerSecond)), Median(samples.Select(s => s.Echo.Load.PerSecond)));
    }

    private void Print(string name, string server, Sample[] samples)
    {
        var rates = samples.Select(s => s.Load.PerSecond).ToArray();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-20} {server,-7} {Median(rates),8:0}/s ({rates.Min():0}-{rates.Max():0})  cpu {Median(samples.Select(s => s.CpuSecondsPer1000)):0.000} s/1000  p50 {Median(samples.Select(s => s.Load.P50Micros)),6:0} us  p99 {Median(samples.Select(s => s.Load.P99Micros)),6:0} us  {samples.Sum(s => s.Load.Calls)} answers checked"));
    }
}
