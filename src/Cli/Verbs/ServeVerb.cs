using System.CommandLine;
using System.Net;
using FeatureStore.Cli.Composition;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Scoring.Online;
using FeatureStore.Serving;
using FeatureStore.Serving.Hosting;
using FeatureStore.Serving.Retrieval;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore serve</c>: the feature server over HTTP and gRPC, until it is told to stop.</summary>
internal static class ServeVerb
{
    // Feast's own.
    private const int DefaultHttpPort = 6566;
    private const int DefaultGrpcPort = 6567;

    public static Command Create()
    {
        var host = new Option<string>("--host") { Description = "Address to listen on.", DefaultValueFactory = _ => "127.0.0.1" };
        var http = new Option<int>("--http-port") { Description = "HTTP port; 0 takes a free one.", DefaultValueFactory = _ => DefaultHttpPort };
        var grpc = new Option<int>("--grpc-port") { Description = "gRPC port; 0 takes a free one.", DefaultValueFactory = _ => DefaultGrpcPort };
        var access = new Option<bool>("--access-log") { Description = "Write a line for each request to standard error: what was called and how it ended." };
        var jobs = new Option<bool>("--with-jobs") { Description = "Rebuild views from the lake when the online store lost them." };
        var cert = new Option<string?>("--cert") { Description = "PEM file of the server's certificate and those that lead to its authority; both ports then speak TLS." };
        var key = new Option<string?>("--key") { Description = "PEM file of the certificate's private key." };
        var clientCa = new Option<string?>("--client-ca") { Description = "PEM file of authorities; only clients with a certificate of theirs are let in (mTLS)." };
        var command = new Command("serve", "Serve online features. Example: fstore serve --http-port 6566 --grpc-port 6567") { host, http, grpc, access, jobs, cert, key, clientCa };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            GlobalOptions.Repo(parsed),
            Options(parsed.GetValue(host)!, parsed.GetValue(grpc), parsed.GetValue(http)) with { Tls = Tls(parsed.GetValue(cert), parsed.GetValue(key), parsed.GetValue(clientCa)) },
            parsed.GetValue(access),
            parsed.GetValue(jobs),
            cancellationToken));
        return command;
    }

    private static FeatureServerOptions Options(string host, int grpcPort, int httpPort) =>
        IPAddress.TryParse(host == "localhost" ? "127.0.0.1" : host, out var address) && IsPort(grpcPort) && IsPort(httpPort)
            ? new FeatureServerOptions(address, grpcPort, httpPort)
            : throw new UsageException($"--host takes an IP address, --http-port and --grpc-port a number from 0 to {IPEndPoint.MaxPort}.");

    private static ServerTls? Tls(string? cert, string? key, string? clientCa) => (cert, key) switch
    {
        (null, null) when clientCa is null => null,
        ({ } certificate, { } privateKey) => ServerTls.Load(certificate, privateKey, clientCa),
        _ => throw new UsageException("--cert and --key go together, and --client-ca needs both."),
    };

    private static bool IsPort(int port) => port is >= 0 and <= IPEndPoint.MaxPort;

    private static async Task<int> RunAsync(Repo repo, FeatureServerOptions options, bool accessLog, bool withJobs, CancellationToken cancellationToken)
    {
        if (repo.Config.Auth != "no_auth")
        {
            // Who set this relies on it; serving anyway would open what they closed.
            throw new UsageException($"'auth' in feature_store.yaml is '{repo.Config.Auth}', and this server asks nobody who they are; put a proxy that does in front of it and set 'auth: {{type: no_auth}}' for it.");
        }

        var snapshot = repo.Snapshot();
        await using var store = repo.OnlineStore();
        await WarnOfOldRowsAsync(repo, snapshot);
        using var materializer = new LakeMaterializer(repo, TimeProvider.System);
        var ports = new ServingPorts(new ChangeLogPush(repo, TimeProvider.System), materializer);
        var runtime = new ServingRuntime(snapshot, store, TimeProvider.System, new RetrievalLimits(), StatusPolicy.From(repo.Config), ports);
        using var models = ScoringSettings.Live(repo, runtime);
        WarnOfModels(models.Refresh());
        await using var receipts = ScoringSettings.OpenReceipts(repo.Config);
        var running = options with
        {
            Beside = [ScoringHost.Beside(new OnlineScorer(runtime, models, receipts), models)],
            AccessLog = accessLog,
            LogsToStandardError = true,
            Registry = repo.SnapshotSource(),
        };
        await using var server = await FeatureServer.StartAsync(runtime, running, cancellationToken);
        await Console.Out.WriteLineAsync($"Serving {repo.Config.Project} over gRPC at {server.GrpcAddress.Authority} and HTTP at {server.HttpAddress.Authority}; stop with Ctrl+C.");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var guard = new StoreGuard(repo, runtime, store, withJobs, TimeProvider.System).RunAsync(stop.Token);
        await server.WaitAsync(cancellationToken);
        await stop.CancelAsync();
        await guard;
        return ExitCodes.Ok;
    }

    private static void WarnOfModels(IReadOnlyList<ModelChange> found)
    {
        foreach (var refused in found.Where(f => f.Refusal is not null))
        {
            Console.Error.WriteLine($"warning: model {refused.Name} cannot score: {refused.Refusal}");
        }
    }

    // Rows are never newer than the materialised end, nor than the end of the last day that has any: past the ttl, every row is.
    private static async Task WarnOfOldRowsAsync(Repo repo, RegistrySnapshot snapshot)
    {
        var registry = repo.Registry();
        foreach (var view in snapshot.FeatureViews.Values.Where(v => v.Online && v.Ttl > TimeSpan.Zero))
        {
            if (registry.LatestEnd(repo.Config.Project, view.Name) is { } end && NewestRow(repo, view, end) is var newest && TimeProvider.System.GetUtcNow() - newest > view.Ttl)
            {
                await Console.Error.WriteLineAsync(
                    $"warning: {view.Name} has no online row newer than {Instant.Text(newest)}; every row is past its ttl of {view.Ttl.TotalDays:0.#} days. Compute and materialise again, or 'fstore demo'.");
            }
        }
    }

    private static DateTimeOffset NewestRow(Repo repo, FeatureViewModel view, DateTimeOffset end)
    {
        try
        {
            var day = view.Aggregated is null ? null : FeatureDays.Newest(repo.Lake, view, DateOnly.FromDateTime(end.UtcDateTime), CancellationToken.None);
            var dayEnd = day is { } last ? new DateTimeOffset(last.AddDays(1).ToDateTime(TimeOnly.MinValue), TimeSpan.Zero) : end;
            return dayEnd < end ? dayEnd : end;
        }
        catch (Exception e) when (e is DeltaException or IOException)
        {
            // Serving needs no lake, so a damaged or absent one must not stop it.
            return end;
        }
    }
}
