using System.Diagnostics;
using System.Globalization;
using FeatureStore.Cli.Tests.Verbs;
using FeatureStore.Client;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Cli.Tests.EndToEnd;

/// <summary>Two servers behind a balancer are restarted one after the other while clients read: no call fails.</summary>
public sealed class RollingRestartTests
{
    private const int Readers = 4;
    private const int CallsBetweenSteps = 200;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Restart_OfOneServerAfterTheOther_FailsNoCall()
    {
        using var fstore = new Fstore();
        Assert.Equal(0, (await fstore.RunAsync("apply")).Code);
        int[] ports = [TestProgram.FreePort(), TestProgram.FreePort()];
        var started = new List<Process> { await StartAsync(fstore, ports[0]), await StartAsync(fstore, ports[1]) };

        await using var balancer = new TcpBalancer(ports);
        using var stop = new CancellationTokenSource();
        var counts = new long[Readers];
        var reading = Enumerable.Range(0, Readers).Select(r => ReadAsync(balancer.Address, () => Interlocked.Increment(ref counts[r]), stop.Token)).ToArray();
        try
        {
            await MoreCallsAsync(counts, reading);
            for (var i = 0; i < ports.Length; i++)
            {
                // Told to stop as a supervisor does it; it must end by itself, and well.
                using (var kill = Process.Start("kill", ["-TERM", started[i].Id.ToString(CultureInfo.InvariantCulture)]))
                {
                    await kill.WaitForExitAsync();
                }

                await started[i].WaitForExitAsync().WaitAsync(Patience);
                Assert.Equal(0, started[i].ExitCode);
                await MoreCallsAsync(counts, reading);
                started.Add(await StartAsync(fstore, ports[i]));
                await MoreCallsAsync(counts, reading);
            }

            await stop.CancelAsync();
            await Task.WhenAll(reading).WaitAsync(Patience);

            // Both were used, and each restart moved the connections of its server.
            Assert.All(balancer.Taken, taken => Assert.True(taken > 0, $"connections: {string.Join(", ", balancer.Taken)}"));
            Assert.True(balancer.Taken.Sum() >= Readers * 2, $"connections: {string.Join(", ", balancer.Taken)}");
        }
        finally
        {
            await stop.CancelAsync();
            foreach (var server in started)
            {
                server.Kill();
                await server.WaitForExitAsync();
                server.Dispose();
            }
        }
    }

    /// <summary>Reads until told to stop; the first call that fails ends it with its fault.</summary>
    private static async Task ReadAsync(Uri target, Action answered, CancellationToken stop)
    {
        using var client = new FeatureStoreClient(new FeatureStoreClientOptions { Target = target });
        var query = OnlineFeaturesQuery.ForService("fraud_v1", EntityRows.Of("user_id", "576", "nobody"));
        while (!stop.IsCancellationRequested)
        {
            var table = await client.GetOnlineFeaturesAsync(query, cancellationToken: CancellationToken.None);
            Assert.Equal(2, table.RowCount);
            answered();
        }
    }

    private static async Task MoreCallsAsync(long[] counts, Task[] reading)
    {
        var before = counts.Select((_, i) => Interlocked.Read(ref counts[i])).ToArray();
        await TestProgram.PollAsync("further answers", async _ =>
        {
            if (reading.FirstOrDefault(r => r.IsFaulted) is { } failed)
            {
                await failed;
            }

            return before.Select((b, i) => Interlocked.Read(ref counts[i]) >= b + (CallsBetweenSteps / Readers)).All(more => more);
        });
    }

    private static async Task<Process> StartAsync(Fstore fstore, int port)
    {
        var server = fstore.Start("serve", "--http-port", "0", "--grpc-port", port.ToString(CultureInfo.InvariantCulture));
        var line = await server.StandardOutput.ReadLineAsync().WaitAsync(Patience);
        Assert.True(line is not null, line is null ? await server.StandardError.ReadToEndAsync() : null);
        return server;
    }
}
