using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;

namespace FeatureStore.Client.Transport;

/// <summary>Makes the gRPC channel that the settings describe.</summary>
internal static class ChannelFactory
{
    // A server that went away without a word is noticed within a minute and a half, not at the next deadline.
    private static readonly TimeSpan KeepAlivePing = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan KeepAliveTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    public static GrpcChannel Create(FeatureStoreClientOptions options) => GrpcChannel.ForAddress(options.Target, new GrpcChannelOptions
    {
        HttpHandler = Handler(options),
        DisposeHttpClient = true,
        MaxReceiveMessageSize = options.ReceiveBytesMax,
    });

    private static SocketsHttpHandler Handler(FeatureStoreClientOptions options)
    {
        var handler = new SocketsHttpHandler
        {
            // More than a hundred calls at once would wait for each other on one HTTP/2 connection.
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = ConnectTimeout,
            KeepAlivePingDelay = KeepAlivePing,
            KeepAlivePingTimeout = KeepAliveTimeout,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
        };
        if (options.Tls is { } tls)
        {
            handler.SslOptions = SslOptions(tls);
        }

        return handler;
    }

    private static SslClientAuthenticationOptions SslOptions(TlsOptions tls)
    {
        var ssl = new SslClientAuthenticationOptions();
        if (tls.RootCertificates is { } roots)
        {
            ssl.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            ssl.CertificateChainPolicy.CustomTrustStore.AddRange(roots);
        }

        if (tls.ClientCertificate is { } certificate)
        {
            ssl.ClientCertificates = [certificate];
        }

        return ssl;
    }
}
