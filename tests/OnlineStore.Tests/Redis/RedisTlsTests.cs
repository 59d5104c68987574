using System.Globalization;
using FeatureStore.Contract.Rows;
using FeatureStore.OnlineStore.Redis;
using FeatureStore.Tests.Servers;

namespace FeatureStore.OnlineStore.Tests.Redis;

public sealed class RedisTlsTests
{
    private static readonly OnlineTable Table = new("p", "v", ["f"]);

    [SkippableTheory]
    [InlineData("ssl=true,ssl_ca_certs={issuer}", null, true)]
    [InlineData("ssl=true,ssl_ca_certs={stranger}", null, false)]
    [InlineData("ssl=true", null, false)]
    [InlineData("ssl=true,ssl_cert_reqs=none", null, true)]
    [InlineData("ssl=false", null, false)]
    [InlineData("ssl=true,ssl_ca_certs={issuer}", "elsewhere.example", false)]
    [InlineData("ssl=true,ssl_ca_certs={issuer},ssl_check_hostname=false", "elsewhere.example", true)]
    public async Task Open_ServerCertificate_IsCheckedAsAsked(string options, string? host, bool isTaken)
    {
        RedisServer.Need();
        using var certificates = new TestCertificates();
        using var strangers = new TestCertificates();
        var (certificate, key) = certificates.Issue("server", host);
        var (server, port) = await StartAsync(certificates, certificate, key, "no");
        await using var _ = server;
        var text = options.Replace("{issuer}", certificates.IssuerFile, StringComparison.Ordinal)
            .Replace("{stranger}", strangers.IssuerFile, StringComparison.Ordinal);
        Assert.Equal(isTaken, await IsTakenAsync($"127.0.0.1:{port},{text}"));
    }

    [SkippableFact]
    public async Task Open_ServerAsksForACertificate_GetsOurs()
    {
        RedisServer.Need();
        using var certificates = new TestCertificates();
        var (certificate, key) = certificates.Issue("server", null);
        var (server, port) = await StartAsync(certificates, certificate, key, "yes");
        await using var _ = server;
        var (own, ownKey) = certificates.Issue("client", "client.example");
        var common = $"127.0.0.1:{port},ssl=true,ssl_ca_certs={certificates.IssuerFile}";
        Assert.True(await IsTakenAsync($"{common},ssl_certfile={own},ssl_keyfile={ownKey}"));
        Assert.False(await IsTakenAsync(common));
    }

    [Theory]
    [InlineData("ssl_ca_certs")]
    [InlineData("ssl_certfile")]
    public void Open_MissingFile_NamesTheOption(string option)
    {
        var error = Assert.Throws<OnlineStoreException>(
            () => new RedisOnlineStore(TestRedis.Options($"h:1,ssl=true,{option}=/nowhere/x.pem"), TimeProvider.System));
        Assert.Contains(option, error.Message, StringComparison.Ordinal);
    }

    private static async Task<(RedisServer Server, int Port)> StartAsync(TestCertificates certificates, string certificate, string key, string clients)
    {
        var port = TestProgram.FreePort();
        return (
            await RedisServer.StartAsync(
                "--tls-port", port.ToString(CultureInfo.InvariantCulture),
                "--tls-cert-file", certificate,
                "--tls-key-file", key,
                "--tls-ca-cert-file", certificates.IssuerFile,
                "--tls-auth-clients", clients),
            port);
    }

    private static async Task<bool> IsTakenAsync(string connectionString)
    {
        await using var store = new RedisOnlineStore(TestRedis.Options(connectionString), TimeProvider.System);
        try
        {
            await store.WriteAsync(Table, [new EncodedRow([1], 5, null, [[32, 1]])], OnlineWriteRule.NewerWins, CancellationToken.None);
            return (await store.ReadAsync([Table], [[1]], CancellationToken.None))[0][0].EventTimeMicros == 5;
        }
        catch (OnlineStoreException)
        {
            return false;
        }
    }
}
