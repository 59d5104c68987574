using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace FeatureStore.Tests.Servers;

/// <summary>A master, a replica of it, and one sentinel that makes the replica master when the master is gone.</summary>
public sealed class RedisSentinel : IAsyncDisposable
{
    private readonly string _folder;
    private readonly TestProgram _sentinel;

    private RedisSentinel(RedisServer master, RedisServer replica, int port, string folder, TestProgram sentinel)
    {
        Master = master;
        Replica = replica;
        Address = $"{IPAddress.Loopback}:{port}";
        _folder = folder;
        _sentinel = sentinel;
    }

    public RedisServer Master { get; }

    public RedisServer Replica { get; }

    /// <summary>The sentinel's address.</summary>
    public string Address { get; }

    /// <summary>Starts all three and waits until the sentinel knows the replica.</summary>
    public static async Task<RedisSentinel> StartAsync(string name)
    {
        var master = await RedisServer.StartAsync();
        var replica = await RedisServer.StartAsync("--replicaof", "127.0.0.1", master.Port.ToString(CultureInfo.InvariantCulture));
        var folder = Directory.CreateTempSubdirectory("sentinel").FullName;
        var port = TestProgram.FreePort();
        var file = Path.Combine(folder, "sentinel.conf");
        await File.WriteAllLinesAsync(
            file,
            [
                $"port {port}",
                "bind 127.0.0.1",
                $"sentinel monitor {name} 127.0.0.1 {master.Port} 1",
                $"sentinel down-after-milliseconds {name} 500",
                $"sentinel failover-timeout {name} 2000",
            ]);
        var sentinel = await TestProgram.StartAsync(new ServerCommand(
            "redis-server", [file, "--sentinel"], folder, cancellationToken => KnowsTheReplicaAsync(port, name, cancellationToken)));
        return new RedisSentinel(master, replica, port, folder, sentinel);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _sentinel.Dispose();
        await Replica.DisposeAsync();
        await Master.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<bool> KnowsTheReplicaAsync(int port, string name, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
        await client.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes($"SENTINEL MASTER {name}\r\n"), cancellationToken);
        var reply = new byte[4096];
        var text = System.Text.Encoding.ASCII.GetString(reply, 0, await client.GetStream().ReadAsync(reply, cancellationToken));
        return text.Contains("num-slaves\r\n$1\r\n1", StringComparison.Ordinal);
    }
}
