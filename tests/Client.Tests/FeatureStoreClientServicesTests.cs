using System.Collections.Concurrent;
using FeatureStore.Client.Tests.Server;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FeatureStore.Client.Tests;

public sealed class FeatureStoreClientServicesTests
{
    [Fact]
    public async Task Add_ToAContainer_GivesOneSharedClient()
    {
        await using var server = await FakeFeatureServer.StartAsync();
        await using var provider = new ServiceCollection().AddFeatureStoreClient(server.Address).BuildServiceProvider();
        var client = provider.GetRequiredService<FeatureStoreClient>();
        Assert.Same(client, provider.GetRequiredService<FeatureStoreClient>());
        Assert.Equal("1.2.3", await client.GetServingVersionAsync());
    }

    [Fact]
    public void Add_WithFaults_ListsAllOfThem()
    {
        var error = Assert.Throws<ArgumentException>(() => new ServiceCollection().AddFeatureStoreClient(options =>
        {
            options.Target = new Uri("ftp://host");
            options.Deadline = TimeSpan.Zero;
            options.BatchRowsMax = 0;
            options.BatchesInFlightMax = -1;
            options.ReceiveBytesMax = 0;
            options.Retry = new RetryOptions(11, TimeSpan.Zero, TimeSpan.Zero, 0.5);
        }));
        foreach (var setting in new[] { "Target", "Deadline", "BatchRowsMax", "BatchesInFlightMax", "ReceiveBytesMax", "AttemptsMax", "Retry pauses", "BackoffMultiplier" })
        {
            Assert.Contains(setting, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Add_CertificatesForPlainText_IsRefused() =>
        Assert.Contains("https", Assert.Throws<ArgumentException>(() => new ServiceCollection().AddFeatureStoreClient(o => o.Tls = new TlsOptions())).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Logs_OfSuccessAndFailure_HoldNoEntityValue()
    {
        const string Canary = "canary-576";
        await using var server = await FakeFeatureServer.StartAsync();
        var log = new KeptLog();
        await using var provider = new ServiceCollection()
            .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(log))
            .AddFeatureStoreClient(server.Address)
            .BuildServiceProvider();
        var client = provider.GetRequiredService<FeatureStoreClient>();
        var query = OnlineFeaturesQuery.ForService("s", EntityRows.Of("user_id", Canary));
        await client.GetOnlineFeaturesAsync(query);
        server.Service.Answer = (_, _, _) => throw new RpcException(new Status(StatusCode.InvalidArgument, $"'{Canary}' does not suit"));
        await Assert.ThrowsAsync<FeatureStoreException>(() => client.GetOnlineFeaturesAsync(query));
        Assert.Contains(log.Lines, l => l.Contains("1 entity rows in 1 calls", StringComparison.Ordinal));
        Assert.Contains(log.Lines, l => l.Contains("failed with InvalidArgument", StringComparison.Ordinal));
        Assert.DoesNotContain(log.Lines, l => l.Contains(Canary, StringComparison.Ordinal));
    }

    private sealed class KeptLog : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue($"{formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}
