using System.Net;
using System.Security.Cryptography.X509Certificates;
using FeatureStore.GrpcHost;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FeatureStore.Interop.Server;

/// <summary>The interop service on the host that serves features: in plain text, by TLS, and by TLS with a client certificate.</summary>
public sealed class InteropServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private InteropServer(WebApplication application, InteropService service)
    {
        _application = application;
        Service = service;
        var addresses = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
            .Select(a => new Uri(a).Authority).ToArray();
        (Plain, Tls, MutualTls, Expired, OtherName) = (addresses[0], addresses[1], addresses[2], addresses[3], addresses[4]);
    }

    public InteropService Service { get; }

    public string Plain { get; }

    public string Tls { get; }

    public string MutualTls { get; }

    /// <summary>Shows a certificate that has run out.</summary>
    public string Expired { get; }

    /// <summary>Shows a certificate of another host.</summary>
    public string OtherName { get; }

    public static async Task<InteropServer> StartAsync(X509Certificate2 certificate, string clientThumbprint, X509Certificate2 expired, X509Certificate2 otherName)
    {
        var service = new InteropService();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(service);
        builder.Services.AddGrpcHost<NoInterceptor>(new GrpcEndpointOptions(CompressResponses: true));
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
            kestrel.Listen(IPAddress.Loopback, 0, listen => Secure(listen, https => https.ServerCertificate = certificate));
            kestrel.Listen(IPAddress.Loopback, 0, listen => Secure(listen, https =>
            {
                https.ServerCertificate = certificate;
                https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                https.ClientCertificateValidation = (client, _, _) => client.Thumbprint == clientThumbprint;
            }));
            kestrel.Listen(IPAddress.Loopback, 0, listen => Secure(listen, https => https.ServerCertificate = expired));
            kestrel.Listen(IPAddress.Loopback, 0, listen => Secure(listen, https => https.ServerCertificate = otherName));
        });
        var application = builder.Build();
        application.MapGrpcService<InteropService>();
        await application.StartAsync();
        return new InteropServer(application, service);
    }

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync();
        await _application.DisposeAsync();
    }

    private static void Secure(ListenOptions listen, Action<HttpsConnectionAdapterOptions> configure)
    {
        listen.Protocols = HttpProtocols.Http2;
        listen.UseHttps(configure);
    }

    private sealed class NoInterceptor : Interceptor;
}
