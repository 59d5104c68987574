using System.Net;
using FeatureStore.GrpcHost;
using FeatureStore.Serving.Grpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FeatureStore.Serving.Hosting;

/// <summary>Where the server listens; port 0 takes a free one.</summary>
public sealed record FeatureServerOptions(IPAddress Host, int GrpcPort = 6567);

/// <summary>A running feature server; disposing it stops it.</summary>
public sealed class FeatureServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private FeatureServer(WebApplication application, Uri grpcAddress)
    {
        _application = application;
        GrpcAddress = grpcAddress;
    }

    /// <summary>The address that gRPC clients take.</summary>
    public Uri GrpcAddress { get; }

    /// <summary>Starts listening.</summary>
    /// <exception cref="FeatureServerException">The port is taken.</exception>
    public static async Task<FeatureServer> StartAsync(ServingRuntime runtime, FeatureServerOptions options, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(runtime);
        builder.Services.AddSingleton<ServingGrpcService>();
        builder.Services.AddGrpcHost<RetrievalStatusInterceptor>(new GrpcEndpointOptions());
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(options.Host, options.GrpcPort, listen => listen.Protocols = HttpProtocols.Http2));
        var application = builder.Build();
        application.MapGrpcService<ServingGrpcService>();
        try
        {
            await application.StartAsync(cancellationToken);
        }
        catch (IOException e)
        {
            await application.DisposeAsync();
            throw new FeatureServerException(
                $"{options.Host}:{options.GrpcPort} cannot be listened on ({e.Message}); stop what holds the port, or choose another with --grpc-port.", e);
        }

        var addresses = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        return new FeatureServer(application, new Uri(addresses.First()));
    }

    /// <summary>Completes when the server is told to stop.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => _application.WaitForShutdownAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync(CancellationToken.None);
        await _application.DisposeAsync();
    }
}

/// <summary>The server cannot start; the message names the address and the way out.</summary>
public sealed class FeatureServerException(string message, Exception cause) : Exception(message, cause);
