using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace FeatureStore.Serving.Hosting;

/// <summary>The server's certificate on both ports, and the authorities whose clients alone are let in, if there are any (mTLS).</summary>
public sealed class ServerTls
{
    // id-kp-clientAuth of RFC 5280: a server's certificate does not make its holder a client.
    private static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");

    private readonly X509Certificate2 _certificate;
    private readonly X509Certificate2Collection _chain;
    private readonly X509Certificate2Collection? _clientAuthorities;

    private ServerTls(X509Certificate2 certificate, X509Certificate2Collection chain, X509Certificate2Collection? clientAuthorities)
    {
        _certificate = certificate;
        _chain = chain;
        _clientAuthorities = clientAuthorities;
    }

    /// <summary>Reads PEM files.</summary>
    /// <param name="certificate">The server's certificate, and after it those between it and its authority.</param>
    /// <param name="key">Its private key.</param>
    /// <param name="clientAuthorities">Who may have signed clients' certificates; null asks clients for none.</param>
    /// <exception cref="FeatureServerException">A file cannot be read; it is named.</exception>
    public static ServerTls Load(string certificate, string key, string? clientAuthorities)
    {
        var reading = certificate;
        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(certificate);
            reading = $"{certificate} with {key}";
            var own = X509Certificate2.CreateFromPemFile(certificate, key);
            if (clientAuthorities is null)
            {
                return new ServerTls(own, chain, null);
            }

            reading = clientAuthorities;
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(clientAuthorities);

            // An empty list would let nobody in, which is safe and yet never meant.
            return authorities.Count > 0
                ? new ServerTls(own, chain, authorities)
                : throw new CryptographicException("it holds no certificate");
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new FeatureServerException($"The TLS file {reading} cannot be used ({e.Message.TrimEnd('.')}); give PEM files to --cert, --key and --client-ca.", e);
        }
    }

    internal void Apply(ListenOptions listen) => listen.UseHttps(https =>
    {
        https.ServerCertificate = _certificate;
        https.ServerCertificateChain = _chain;
        if (_clientAuthorities is not null)
        {
            https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
            https.ClientCertificateValidation = (client, presented, _) => IsOfAuthorities(client, presented);
        }
    });

    // The system's authorities are no reason to trust a client, so the chain is built anew; its times are checked with it.
    private bool IsOfAuthorities(X509Certificate2 client, X509Chain? presented)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.AddRange(_clientAuthorities!);
        chain.ChainPolicy.ApplicationPolicy.Add(ClientAuthentication);
        if (presented is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(presented.ChainPolicy.ExtraStore);
        }

        return chain.Build(client);
    }
}
