using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FeatureStore.OnlineStore.Tests.Redis;

/// <summary>An issuer made for one test, with PEM files of what it issued.</summary>
internal sealed class TestCertificates : IDisposable
{
    private static readonly DateTimeOffset From = TimeProvider.System.GetUtcNow().AddDays(-1);
    private static readonly DateTimeOffset Until = From.AddDays(30);
    private readonly X509Certificate2 _issuer;

    public TestCertificates()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test issuer", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _issuer = request.CreateSelfSigned(From, Until);
        IssuerFile = Write("issuer.pem", _issuer.ExportCertificatePem());
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("certificates").FullName;

    public string IssuerFile { get; }

    /// <summary>Issues a certificate, for 127.0.0.1 or for a host of that name.</summary>
    public (string Certificate, string Key) Issue(string file, string? host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={file}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (host is null)
        {
            names.AddIpAddress(IPAddress.Loopback);
        }
        else
        {
            names.AddDnsName(host);
        }

        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, false));
        using var certificate = request.Create(_issuer, From, Until, RandomNumberGenerator.GetBytes(8));
        return (Write(file + ".crt", certificate.ExportCertificatePem()), Write(file + ".key", key.ExportPkcs8PrivateKeyPem()));
    }

    public void Dispose()
    {
        _issuer.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private string Write(string file, string text)
    {
        var path = Path.Combine(Folder, file);
        File.WriteAllText(path, text);
        return path;
    }
}
