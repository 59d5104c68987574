using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace FeatureStore.Tests.Servers;

/// <summary>
/// A real PostgreSQL on a free loopback port in a temporary folder, killed at the end. It refuses to run as root, so root
/// starts it as the user that the Debian package makes.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string Versions = "/usr/lib/postgresql";
    private const string Package = "postgresql-15";
    private const string Starter = "pg_ctlcluster";
    private const string PackageUser = "postgres";

    /// <summary>The user of every server here, who needs no password.</summary>
    public const string SuperUser = PackageUser;
    private const int PortTriesMax = 5;
    private readonly string _folder;
    private readonly string[] _settings;
    private TestProgram _program;

    private PostgresServer(int port, string folder, TestProgram program, string[] settings) => (Port, _folder, _program, _settings) = (port, folder, program, settings);

    public int Port { get; }

    /// <summary>The server's user, who needs no password.</summary>
    public string User => SuperUser;

    /// <summary>Skips the test when PostgreSQL is not installed; with <c>CI</c> set it fails instead.</summary>
    public static void Need() => TestProgram.Need(Starter, Package);

    /// <summary>Makes an empty database cluster and starts it. <paramref name="settings"/> are server settings such as <c>wal_level=logical</c>.</summary>
    public static async Task<PostgresServer> StartAsync(params string[] settings)
    {
        Need();
        var folder = Directory.CreateTempSubdirectory("postgres").FullName;
        await MakeAsync(folder);
        for (var attempt = 1; ; attempt++)
        {
            // Another program may take the port between the look and the start.
            var port = TestProgram.FreePort();
            try
            {
                return new PostgresServer(port, folder, await TestProgram.StartAsync(Command(folder, port, settings)), settings);
            }
            catch (InvalidOperationException) when (attempt < PortTriesMax)
            {
            }
        }
    }

    /// <summary>Stops it as <c>pg_ctl stop -m immediate</c> does, which is a crash to it, and starts it again on the same port.</summary>
    public async Task CrashAsync()
    {
        await StopAsync("immediate");
        await StartAgainAsync();
    }

    /// <summary>Stops it as <c>pg_ctl stop -m</c> does, and waits until it is down.</summary>
    /// <param name="mode">fast, or immediate.</param>
    public async Task StopAsync(string mode)
    {
        await RunAsync(AsUser(Binary("pg_ctl"), "stop", "-D", Data(_folder), "-m", mode));
        _program.Dispose();
    }

    /// <summary>Starts it on the same port and data after <see cref="StopAsync"/>.</summary>
    public async Task StartAgainAsync() => _program = await TestProgram.StartAsync(Command(_folder, Port, _settings));

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _program.Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>Makes an empty database cluster in the folder, whole or not at all, if there is none.</summary>
    public static async Task MakeAsync(string folder)
    {
        if (Directory.Exists(Data(folder)))
        {
            return;
        }

        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync("chown", [PackageUser, folder]);
        }

        var unfinished = Data(folder) + ".new";
        if (Directory.Exists(unfinished))
        {
            Directory.Delete(unfinished, recursive: true);
        }

        await RunAsync(AsUser(Binary("initdb"), "-D", unfinished, "-U", PackageUser, "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"));
        Directory.Move(unfinished, Data(folder));
    }

    /// <summary>How a server on the port is started, over the cluster that <see cref="MakeAsync"/> made in the folder.</summary>
    public static ServerCommand Command(string folder, int port, params string[] settings)
    {
        var (name, arguments) = AsUser(
            [
                Binary("postgres"), "-D", Data(folder),
                "-p", port.ToString(CultureInfo.InvariantCulture),
                "-h", IPAddress.Loopback.ToString(),
                "-k", folder,
                "-F",
                .. settings.SelectMany(s => new[] { "-c", s }),
            ]);
        return new ServerCommand(name, arguments, folder, cancellationToken => AnswersAsync(port, cancellationToken));
    }

    private static string Data(string folder) => Path.Combine(folder, "data");

    // A startup packet for a database that is not there gets an error once the server takes connections, and 57P03 until then.
    private static async Task<bool> AnswersAsync(int port, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
        byte[] startup = [0, 0, 0, 23, 0, 3, 0, 0, .. "user\0postgres\0\0"u8];
        startup[3] = (byte)startup.Length;
        await client.GetStream().WriteAsync(startup, cancellationToken);
        var reply = new byte[1];
        return await client.GetStream().ReadAsync(reply, cancellationToken) == 1 && reply[0] == (byte)'R';
    }

    private static string Binary(string name) =>
        Directory.EnumerateDirectories(Versions).OrderByDescending(v => double.TryParse(Path.GetFileName(v), CultureInfo.InvariantCulture, out var number) ? number : 0)
            .Select(v => Path.Combine(v, "bin", name)).First(File.Exists);

    // By a program that becomes the server, so that its id is the server's.
    private static (string Name, string[] Arguments) AsUser(params string[] command) =>
        Environment.IsPrivilegedProcess ? ("setpriv", [$"--reuid={PackageUser}", $"--regid={PackageUser}", "--init-groups", "--", .. command]) : (command[0], command[1..]);

    private static Task RunAsync((string Name, string[] Arguments) command) => RunAsync(command.Name, command.Arguments);

    private static async Task RunAsync(string name, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(name, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{name} {string.Join(' ', arguments)} failed: {await output}{await error}");
        }
    }
}
