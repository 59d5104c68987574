using System.CommandLine;
using System.Net;
using FeatureStore.Cli.Composition;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving;
using FeatureStore.Serving.Hosting;
using FeatureStore.Serving.Retrieval;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore serve</c>: the gRPC feature server, until it is told to stop.</summary>
internal static class ServeVerb
{
    private const int DefaultGrpcPort = 6567;

    public static Command Create()
    {
        var host = new Option<string>("--host") { Description = "Address to listen on.", DefaultValueFactory = _ => "127.0.0.1" };
        var port = new Option<int>("--grpc-port") { Description = "gRPC port; 0 takes a free one.", DefaultValueFactory = _ => DefaultGrpcPort };
        var command = new Command("serve", "Serve online features. Example: fstore serve --grpc-port 6567") { host, port };
        command.SetAction((parsed, cancellationToken) => RunAsync(GlobalOptions.Repo(parsed), parsed.GetValue(host)!, parsed.GetValue(port), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Repo repo, string host, int port, CancellationToken cancellationToken)
    {
        if (!IPAddress.TryParse(host == "localhost" ? "127.0.0.1" : host, out var address) || port is < 0 or > IPEndPoint.MaxPort)
        {
            throw new UsageException($"--host takes an IP address and --grpc-port a number from 0 to {IPEndPoint.MaxPort}.");
        }

        var snapshot = repo.Snapshot();
        await using var store = repo.OnlineStore();
        await WarnOfOldRowsAsync(repo, snapshot);
        var runtime = new ServingRuntime(snapshot, store, TimeProvider.System, new RetrievalLimits());
        await using var server = await FeatureServer.StartAsync(runtime, new FeatureServerOptions(address, port), cancellationToken);
        await Console.Out.WriteLineAsync($"Serving {repo.Config.Project} over gRPC at {server.GrpcAddress.Host}:{server.GrpcAddress.Port}; stop with Ctrl+C.");
        await server.WaitAsync(cancellationToken);
        return ExitCodes.Ok;
    }

    // Rows are never newer than the materialised end, so an end past its ttl means that every row is.
    private static async Task WarnOfOldRowsAsync(Repo repo, RegistrySnapshot snapshot)
    {
        var registry = repo.Registry();
        foreach (var view in snapshot.FeatureViews.Values.Where(v => v.Online && v.Ttl > TimeSpan.Zero))
        {
            if (registry.LatestEnd(repo.Config.Project, view.Name) is { } end && TimeProvider.System.GetUtcNow() - end > view.Ttl)
            {
                await Console.Error.WriteLineAsync(
                    $"warning: {view.Name} was last materialised up to {Instant.Text(end)}; every row is past its ttl of {view.Ttl.TotalDays:0.#} days. Materialise again, or 'fstore demo --fresh'.");
            }
        }
    }
}
