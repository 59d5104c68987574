using System.Net;
using System.Net.Sockets;
using Feast.GrpcServer;
using Feast.Serving;
using FeatureStore.GrpcHost;
using FeatureStore.Serving.Grpc;
using FeatureStore.Serving.Http;
using FeatureStore.Serving.Writing;
using Grpc.Health.V1;
using Grpc.HealthCheck;
using Grpc.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace FeatureStore.Serving.Hosting;

/// <summary>Where the server listens; port 0 takes a free one.</summary>
/// <param name="Registry">Where the registry is read again; null keeps the snapshot that the server starts with.</param>
/// <param name="LogsToStandardError">False writes no log at all.</param>
/// <param name="AccessLog">A line for each request, where logs are written.</param>
/// <param name="Connections">What a connection may cost; null takes the defaults.</param>
/// <param name="Tls">Certificates of both ports; null speaks in plain text.</param>
/// <param name="Beside">Services of other rooms; null for none.</param>
public sealed record FeatureServerOptions(
    IPAddress Host,
    int GrpcPort = 0,
    int HttpPort = 0,
    SnapshotSource? Registry = null,
    bool LogsToStandardError = false,
    bool AccessLog = false,
    ConnectionLimits? Connections = null,
    ServerTls? Tls = null,
    IReadOnlyList<ServedService>? Beside = null);

/// <summary>A running feature server; disposing it stops it.</summary>
public sealed class FeatureServer : IAsyncDisposable
{
    // Requests that run when the server is told to stop have this long to end.
    private static readonly TimeSpan DrainMax = TimeSpan.FromSeconds(10);

    private readonly WebApplication _application;

    private FeatureServer(WebApplication application, Uri grpcAddress, Uri httpAddress)
    {
        _application = application;
        GrpcAddress = grpcAddress;
        HttpAddress = httpAddress;
    }

    /// <summary>The address that gRPC clients take.</summary>
    public Uri GrpcAddress { get; }

    /// <summary>The address that HTTP clients, Feast's among them, take.</summary>
    public Uri HttpAddress { get; }

    /// <summary>Starts listening.</summary>
    /// <exception cref="FeatureServerException">The port is taken.</exception>
    public static async Task<FeatureServer> StartAsync(ServingRuntime runtime, FeatureServerOptions options, CancellationToken cancellationToken)
    {
        CheckFree(options.Host, options.GrpcPort, "--grpc-port");
        CheckFree(options.Host, options.HttpPort, "--http-port");
        var application = Build(runtime, options);
        try
        {
            await application.StartAsync(cancellationToken);
        }
        catch (IOException e)
        {
            await application.DisposeAsync();
            throw new FeatureServerException(
                $"{options.Host} cannot be listened on at ports {options.GrpcPort} and {options.HttpPort} ({e.Message}); stop what holds them, or choose others with --grpc-port and --http-port.", e);
        }

        // Kestrel lists the addresses in the order of the Listen calls.
        var addresses = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(a => new Uri(a)).ToArray();
        return new FeatureServer(application, addresses[0], addresses[1]);
    }

    /// <summary>Completes when the server is told to stop.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => _application.WaitForShutdownAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync(CancellationToken.None);
        await _application.DisposeAsync();
    }

    private static WebApplication Build(ServingRuntime runtime, FeatureServerOptions options)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (options.LogsToStandardError)
        {
            AddLogs(builder.Logging, options.AccessLog);
        }

        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = DrainMax);
        builder.Services.AddSingleton(runtime);
        builder.Services.AddSingleton<RequestRecord>();
        builder.Services.AddSingleton<ServingGrpcService>();
        builder.Services.AddSingleton<FeatureServerGrpcService>();
        builder.Services.AddSingleton<HttpServing>();
        builder.Services.AddSingleton<MaterializationRuns>();
        builder.Services.AddHostedService(services => services.GetRequiredService<MaterializationRuns>());
        builder.Services.AddSingleton<Readiness>();
        builder.Services.AddSingleton<HealthServiceImpl>();
        builder.Services.AddHostedService<HealthReport>();
        builder.Services.AddGrpcHost<RetrievalStatusInterceptor>(new GrpcEndpointOptions(runtime.Limits.MessageBytesMax));
        var beside = options.Beside ?? [];
        AddServices(builder.Services, beside);
        if (options.Registry is { } registry)
        {
            builder.Services.AddSingleton(registry);
            builder.Services.AddHostedService<SnapshotRefresh>();
        }

        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;

            // Each API holds its own bound: gRPC per message, HTTP per body, so that each answers in its own words.
            kestrel.Limits.MaxRequestBodySize = null;
            (options.Connections ?? ConnectionLimits.Default).Apply(kestrel.Limits);
            kestrel.Listen(options.Host, options.GrpcPort, listen => Listen(listen, HttpProtocols.Http2, options.Tls));
            kestrel.Listen(options.Host, options.HttpPort, listen => Listen(listen, HttpProtocols.Http1, options.Tls));
        });
        var application = builder.Build();
        Map(application, runtime, beside);
        return application;
    }

    private static void Map(WebApplication application, ServingRuntime runtime, IReadOnlyList<ServedService> beside)
    {
        application.Use((context, next) =>
        {
            if (runtime.Lost.Label is { } label)
            {
                context.Response.Headers[LostViews.Header] = label;
            }

            return next(context);
        });

        // The two ports speak different versions of HTTP, so the version tells them apart.
        var http = application.Services.GetRequiredService<HttpServing>();
        application.MapWhen(c => !HttpProtocol.IsHttp2(c.Request.Protocol), branch => branch.Run(http.HandleAsync));
        application.MapGrpcService<ServingGrpcService>();
        application.MapGrpcService<FeatureServerGrpcService>();
        application.MapGrpcService<HealthServiceImpl>();
        application.MapGrpcService<ReflectionServiceImpl>();
        application.MapGrpcService<ReflectionV1ServiceImpl>();
        foreach (var service in beside)
        {
            service.Map(application);
        }
    }

    private static void Listen(ListenOptions listen, HttpProtocols protocols, ServerTls? tls)
    {
        listen.Protocols = protocols;
        tls?.Apply(listen);
    }

    private static void AddServices(IServiceCollection services, IReadOnlyList<ServedService> beside)
    {
        foreach (var service in beside)
        {
            services.AddSingleton(service);
            service.Register(services);
        }

        Google.Protobuf.Reflection.ServiceDescriptor[] described =
        [
            .. ServingServiceReflection.Descriptor.Services, .. GrpcServerReflection.Descriptor.Services, .. HealthReflection.Descriptor.Services, .. beside.Select(b => b.Descriptor),
        ];
        services.AddSingleton(new ReflectionServiceImpl(described));
        services.AddSingleton(new ReflectionV1ServiceImpl(described));
    }

    private static void AddLogs(ILoggingBuilder logs, bool accessLog)
    {
        logs.AddSimpleConsole(line => (line.SingleLine, line.TimestampFormat, line.UseUtcTimestamp) = (true, "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ", true));
        logs.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        logs.SetMinimumLevel(LogLevel.Warning);
        logs.AddFilter(typeof(SnapshotRefresh).FullName, LogLevel.Information);
        logs.AddFilter(typeof(RequestRecord).FullName, accessLog ? LogLevel.Information : LogLevel.Warning);
    }

    // Kestrel's own message does not say which of the ports it means.
    private static void CheckFree(IPAddress host, int port, string option)
    {
        try
        {
            using var probe = new TcpListener(host, port);
            probe.Start();
        }
        catch (SocketException e)
        {
            throw new FeatureServerException($"{host}:{port} cannot be listened on ({e.Message}); stop what holds the port, or choose another with {option}.", e);
        }
    }
}

/// <summary>The server cannot start; the message names the address and the way out.</summary>
public sealed class FeatureServerException(string message, Exception cause) : Exception(message, cause);
