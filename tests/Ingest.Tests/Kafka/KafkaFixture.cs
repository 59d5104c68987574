using FeatureStore.Tests.Servers;

namespace FeatureStore.Ingest.Tests.Kafka;

/// <summary>One broker for a class, whose topics have one partition unless it says otherwise.</summary>
public sealed class KafkaFixture : IAsyncLifetime
{
    private KafkaServer? _server;

    /// <summary>The server; the test is skipped if it cannot be started.</summary>
    public KafkaServer Server
    {
        get
        {
            KafkaServer.Need();
            return _server!;
        }
    }

    public async Task InitializeAsync()
    {
        try
        {
            _server = await KafkaServer.StartAsync("num.partitions=1");
        }
        catch (SkipException)
        {
            // Each test says so by itself.
        }
    }

    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
