using FeatureStore.Client.Tests.Server;
using Grpc.Core;

namespace FeatureStore.Client.Tests;

public sealed class TlsTests : IDisposable
{
    private readonly SelfMadeCertificates _authority = new("authority of a test");

    public void Dispose() => _authority.Dispose();

    [Fact]
    public async Task Query_ServerOfATrustedAuthority_IsAnswered()
    {
        await using var server = await FakeFeatureServer.StartAsync(_authority.Issue("server"));
        Assert.Equal("u1", await AskAsync(server, new TlsOptions([_authority.Root])));
    }

    [Fact]
    public async Task Query_ServerOfAnotherAuthority_IsRefused()
    {
        using var stranger = new SelfMadeCertificates("another authority");
        await using var server = await FakeFeatureServer.StartAsync(stranger.Issue("server"));
        var error = await Assert.ThrowsAsync<FeatureStoreException>(() => AskAsync(server, new TlsOptions([_authority.Root])));
        Assert.Equal(StatusCode.Internal, error.StatusCode);
        Assert.False(error.IsTransient);
        Assert.Contains("cannot be reached", error.Message, StringComparison.Ordinal);
        Assert.Contains("certificate", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Query_ServerAsksForACertificate_GetsTheClients()
    {
        using var mine = _authority.Issue("client");
        var shown = string.Empty;
        await using var server = await FakeFeatureServer.StartAsync(_authority.Issue("server"), client =>
        {
            shown = client.Subject;
            return client.Thumbprint == mine.Thumbprint;
        });
        Assert.Equal("u1", await AskAsync(server, new TlsOptions([_authority.Root], mine)));
        Assert.Equal("CN=client", shown);
        await Assert.ThrowsAsync<FeatureStoreException>(() => AskAsync(server, new TlsOptions([_authority.Root])));
    }

    private static async Task<string> AskAsync(FakeFeatureServer server, TlsOptions tls)
    {
        using var client = new FeatureStoreClient(new FeatureStoreClientOptions { Target = server.Address, Tls = tls, Retry = RetryOptions.None });
        var table = await client.GetOnlineFeaturesAsync(OnlineFeaturesQuery.ForService("s", EntityRows.Of("user_id", "u1")));
        return table.Row(0)["user_id"].Get<string>();
    }
}
