using System.Globalization;

namespace FeatureStore.Tests.Servers;

/// <summary>Three real masters that share the slots.</summary>
public sealed class RedisCluster : IAsyncDisposable
{
    private const int Slots = 16_384;
    private const int Masters = 3;
    private readonly List<RedisServer> _nodes = [];

    private RedisCluster()
    {
    }

    public IReadOnlyList<RedisServer> Nodes => _nodes;

    /// <summary>Starts the nodes and waits until each calls the cluster whole.</summary>
    public static async Task<RedisCluster> StartAsync()
    {
        var cluster = new RedisCluster();
        try
        {
            for (var i = 0; i < Masters; i++)
            {
                await cluster.AddAsync(Slots * i / Masters, (Slots * (i + 1) / Masters) - 1);
            }

            await TestProgram.PollAsync("A whole cluster", async cancellationToken =>
            {
                foreach (var node in cluster._nodes)
                {
                    var info = await node.SendAsync("CLUSTER INFO", cancellationToken);
                    if (!info.Contains("cluster_state:ok", StringComparison.Ordinal) || !info.Contains($"cluster_size:{Masters}", StringComparison.Ordinal))
                    {
                        return false;
                    }
                }

                return true;
            });
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }
    }

    // The nodes' own line has a port of its own: the default, 10,000 above, may not exist.
    private async Task AddAsync(int slotFirst, int slotLast)
    {
        var line = TestProgram.FreePort().ToString(CultureInfo.InvariantCulture);
        var node = await RedisServer.StartAsync("--cluster-enabled", "yes", "--cluster-port", line, "--cluster-node-timeout", "2000");
        _nodes.Add(node);
        await node.SendAsync($"CLUSTER ADDSLOTSRANGE {slotFirst} {slotLast}", CancellationToken.None);
        if (_nodes.Count > 1)
        {
            await node.SendAsync($"CLUSTER MEET 127.0.0.1 {_nodes[0].Port} {await LineAsync(_nodes[0])}", CancellationToken.None);
        }
    }

    private static async Task<string> LineAsync(RedisServer node) =>
        (await node.SendAsync("CONFIG GET cluster-port", CancellationToken.None)).Split("\r\n", StringSplitOptions.RemoveEmptyEntries)[^1];
}
