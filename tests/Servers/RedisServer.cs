using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FeatureStore.Tests.Servers;

/// <summary>A real redis-server on a free loopback port: nothing kept on disk, killed at the end.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    private const string Program = "redis-server";
    private const string Package = "redis-server";
    private const int PortTriesMax = 5;
    private readonly string[] _settings;
    private readonly string _folder;
    private TestProgram _program;

    private RedisServer(int port, string[] settings, string folder, TestProgram program)
    {
        Port = port;
        _settings = settings;
        _folder = folder;
        _program = program;
    }

    public int Port { get; }

    /// <summary><c>127.0.0.1:port</c>.</summary>
    public string Address => $"{IPAddress.Loopback}:{Port}";

    /// <summary>Skips the test when redis-server is not installed; with <c>CI</c> set it fails instead.</summary>
    public static void Need() => TestProgram.Need(Program, Package);

    /// <summary>Starts a server. <paramref name="settings"/> are further arguments, for example <c>--requirepass x</c> as two items.</summary>
    public static async Task<RedisServer> StartAsync(params string[] settings)
    {
        Need();
        var folder = Directory.CreateTempSubdirectory("redis").FullName;
        for (var attempt = 1; ; attempt++)
        {
            // Another program may take the port between the look and the start.
            var port = TestProgram.FreePort();
            try
            {
                return new RedisServer(port, settings, folder, await TestProgram.StartAsync(Command(folder, port, settings)));
            }
            catch (InvalidOperationException) when (attempt < PortTriesMax)
            {
            }
        }
    }

    /// <summary>Sends one command of plain words and returns the start of the reply as it came.</summary>
    public Task<string> SendAsync(string command, CancellationToken cancellationToken) => SendAsync(Port, command, cancellationToken);

    /// <summary>Ends the server as SIGKILL does; its data are lost.</summary>
    public void Kill() => _program.Kill();

    /// <summary>Starts it again on the same port, empty.</summary>
    public async Task RestartAsync()
    {
        _program.Dispose();
        _program = await TestProgram.StartAsync(Command(_folder, Port, _settings));
    }

    /// <summary>Stops the server's work without ending it, as SIGSTOP does.</summary>
    public void Pause() => _program.Pause();

    /// <summary>Lets it go on after <see cref="Pause"/>.</summary>
    public void Resume() => _program.Resume();

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _program.Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>How a server on the port is started.</summary>
    public static ServerCommand Command(string folder, int port, params string[] settings) =>
        new(
            Program,
            [
                "--port", port.ToString(CultureInfo.InvariantCulture),
                "--bind", IPAddress.Loopback.ToString(),
                "--dir", folder,
                "--save", string.Empty,
                "--appendonly", "no",
                .. settings,
            ],
            folder,
            cancellationToken => AnswersAsync(port, cancellationToken));

    // A server that asks for a password answers too: with -NOAUTH.
    private static async Task<bool> AnswersAsync(int port, CancellationToken cancellationToken)
    {
        var reply = await SendAsync(port, "PING", cancellationToken);
        return reply.StartsWith("+PONG", StringComparison.Ordinal) || reply.StartsWith("-NOAUTH", StringComparison.Ordinal);
    }

    private static async Task<string> SendAsync(int port, string command, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(command + "\r\n"), cancellationToken);
        var reply = new byte[4096];
        return Encoding.ASCII.GetString(reply, 0, await client.GetStream().ReadAsync(reply, cancellationToken));
    }
}
