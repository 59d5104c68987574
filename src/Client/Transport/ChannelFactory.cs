using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;

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
        MaxRetryAttempts = FeatureStoreClientOptions.RetryAttemptsMax,
        // A request is held for a retry up to this size; the server takes no larger one.
        MaxRetryBufferPerCallSize = 4 * FeatureStoreClientOptions.MebiByte,
        ServiceConfig = ServiceConfig(options.Retry),
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

    private static ServiceConfig ServiceConfig(RetryOptions retry)
    {
        var config = new ServiceConfig();
        if (retry.AttemptsMax > 1)
        {
            config.MethodConfigs.Add(new MethodConfig
            {
                Names = { MethodName.Default },
                RetryPolicy = new RetryPolicy
                {
                    MaxAttempts = retry.AttemptsMax,
                    InitialBackoff = retry.InitialBackoff,
                    MaxBackoff = retry.MaxBackoff,
                    BackoffMultiplier = retry.BackoffMultiplier,
                    RetryableStatusCodes = { StatusCode.Unavailable },
                },
            });
        }

        return config;
    }
}
