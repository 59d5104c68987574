using System.Net;
using System.Net.Sockets;

namespace FeatureStore.Cli.Tests.EndToEnd;

/// <summary>Hands each new connection to the next server that takes one, as a balancer of connections does; it knows no HTTP.</summary>
internal sealed class TcpBalancer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly int[] _ports;
    private readonly int[] _taken;
    private readonly Task _accepting;
    private int _next;

    public TcpBalancer(params int[] ports)
    {
        _ports = ports;
        _taken = new int[ports.Length];
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Address => new($"http://{_listener.LocalEndpoint}");

    /// <summary>Connections handed to each server so far.</summary>
    public IReadOnlyList<int> Taken => _taken;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var open = new List<Task>();
        try
        {
            while (true)
            {
                open.Add(ForwardAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task ForwardAsync(TcpClient caller)
    {
        using var owned = caller;
        for (var tries = 0; tries < _ports.Length; tries++)
        {
            var server = Interlocked.Increment(ref _next) % _ports.Length;
            using var target = new TcpClient();
            try
            {
                await target.ConnectAsync(IPAddress.Loopback, _ports[server], _stop.Token);
            }
            catch (SocketException)
            {
                continue;
            }

            Interlocked.Increment(ref _taken[server]);
            await Task.WhenAll(CopyAsync(caller.Client, target.Client), CopyAsync(target.Client, caller.Client));
            return;
        }
    }

    // Each direction ends by itself, so that a server's last frames still reach the caller.
    private async Task CopyAsync(Socket from, Socket to)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _stop.Token) is > 0 and var size)
            {
                await to.SendAsync(buffer.AsMemory(0, size), _stop.Token);
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            from.Dispose();
            to.Dispose();
        }
    }
}
