using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Redis;

/// <summary>Sets up TLS as redis-py's <c>ssl_…</c> options say.</summary>
internal static class RedisTls
{
    /// <exception cref="OnlineStoreException">A certificate file cannot be read.</exception>
    public static void Apply(RedisConnectionString connection, ConfigurationOptions options)
    {
        if (!connection.Ssl)
        {
            return;
        }

        options.Ssl = true;
        options.CheckCertificateRevocation = false;
        var issuers = connection.CaCertificates is { } path ? Read(path, "ssl_ca_certs", Issuers) : null;
        options.CertificateValidation += (_, certificate, chain, errors) => IsTaken(connection, issuers, certificate, chain, errors);
        if (connection.CertificateFile is { } file)
        {
            var own = Read(file, "ssl_certfile", f => X509Certificate2.CreateFromPemFile(f, connection.KeyFile));
            options.CertificateSelection += (_, _, _, _, _) => own;
        }
    }

    private static X509Certificate2Collection Issuers(string path)
    {
        var issuers = new X509Certificate2Collection();
        issuers.ImportFromPemFile(path);
        return issuers.Count > 0 ? issuers : throw new CryptographicException("it holds no certificate");
    }

    private static T Read<T>(string path, string option, Func<string, T> read)
    {
        try
        {
            return read(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new OnlineStoreException($"The connection_string's {option} '{path}' cannot be read: {e.Message}; give a PEM file.", e);
        }
    }

    private static bool IsTaken(
        RedisConnectionString connection,
        X509Certificate2Collection? issuers,
        X509Certificate? certificate,
        X509Chain? chain,
        SslPolicyErrors errors)
    {
        if (connection.CertificateCheck == RedisCertificateCheck.None)
        {
            return true;
        }

        if (certificate is null
            || (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) && connection.CheckHostName != false))
        {
            return false;
        }

        return issuers is null ? !errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors) : IsFrom(issuers, certificate, chain);
    }

    private static bool IsFrom(X509Certificate2Collection issuers, X509Certificate certificate, X509Chain? received)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(issuers);
        if (received is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(received.ChainPolicy.ExtraStore);
        }

        using var leaf = new X509Certificate2(certificate);
        return chain.Build(leaf);
    }
}
