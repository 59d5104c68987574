using System.Globalization;
using System.Net;
using System.Net.Sockets;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Tests.Dev;

/// <summary>One server of the set, in a folder of its own with its data, log, port and pid.</summary>
/// <param name="name">Its name, and its folder's.</param>
/// <param name="make">Makes what it needs in its folder, if that is not there.</param>
/// <param name="command">How it is started there on a port.</param>
internal sealed class DevServer(string root, string name, Func<string, Task> make, Func<string, int, ServerCommand> command)
{
    private const int TriesMax = 10;
    private static readonly TimeSpan TryPeriod = TimeSpan.FromMilliseconds(500);
    private readonly string _folder = Path.Combine(root, name);
    private readonly DetachedProgram _program = new(Path.Combine(root, name));

    public string Name => name;

    public string Folder => _folder;

    /// <summary>The port that it has had since its first start; null before.</summary>
    public int? Port => File.Exists(PortFile) && int.TryParse(File.ReadAllText(PortFile), NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : null;

    public int? Pid => _program.Pid();

    private string PortFile => Path.Combine(_folder, "port");

    /// <summary>Starts it if it does not run; false if it does.</summary>
    public async Task<bool> UpAsync()
    {
        if (Pid is not null)
        {
            return false;
        }

        Directory.CreateDirectory(_folder);
        await make(_folder);
        for (var attempt = 1; ; attempt++)
        {
            var port = Port is { } kept && IsFree(kept) ? kept : TestProgram.FreePort();
            await File.WriteAllTextAsync(PortFile, port.ToString(CultureInfo.InvariantCulture));
            try
            {
                await _program.StartAsync(command(_folder, port));
                return true;
            }
            catch (InvalidOperationException) when (attempt < TriesMax)
            {
                // Another program took the port, or what a killed server left behind is not gone yet.
                await Task.Delay(TryPeriod);
            }
            catch
            {
                await _program.StopAsync();
                throw;
            }
        }
    }

    public Task DownAsync() => _program.StopAsync();

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
