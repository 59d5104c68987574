using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FeatureStore.Client.Tests.Server;

/// <summary>A real gRPC server on a free loopback port.</summary>
public sealed class FakeFeatureServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private FakeFeatureServer(WebApplication application, FakeServingService service)
    {
        _application = application;
        Service = service;
        Address = new Uri(application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public FakeServingService Service { get; }

    public Uri Address { get; }

    /// <param name="certificate">Serves TLS with it.</param>
    /// <param name="takesClient">Asks for a client certificate and decides on it; null asks for none.</param>
    public static async Task<FakeFeatureServer> StartAsync(X509Certificate2? certificate = null, Func<X509Certificate2, bool>? takesClient = null)
    {
        var service = new FakeServingService();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(service);
        builder.Services.AddGrpc();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            if (certificate is not null)
            {
                listen.UseHttps(https =>
                {
                    https.ServerCertificate = certificate;
                    https.ClientCertificateMode = takesClient is null ? ClientCertificateMode.NoCertificate : ClientCertificateMode.RequireCertificate;
                    https.ClientCertificateValidation = (client, _, _) => takesClient!(client);
                });
            }
        }));
        var application = builder.Build();
        application.MapGrpcService<FakeServingService>();
        await application.StartAsync();
        return new FakeFeatureServer(application, service);
    }

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync();
        await _application.DisposeAsync();
    }
}
