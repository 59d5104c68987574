using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Tests.Dev;

/// <summary>
/// A server that outlives the command that started it. Its process writes its own id and start time into a file before it becomes the server, so that a
/// kill at any point leaves no server that is not known, and a file of a dead one is not taken for another process of the same id.
/// </summary>
internal sealed class DetachedProgram(string folder)
{
    private const int LogLinesShown = 15;
    private const string Interrupt = "INT";

    // The shell's own line in /proc is read while it is the shell; the start time stays when it becomes the server.
    private const string Script = """read -r _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ started _ < /proc/$$/stat; echo "$$ $started" > "$1.new" && mv "$1.new" "$1"; log=$2; shift 2; exec "$@" >> "$log" 2>&1 < /dev/null""";

    private string PidFile => Path.Combine(folder, "pid");

    private string Log => Path.Combine(folder, "log");

    /// <summary>The server's process; null if it does not run.</summary>
    public int? Pid()
    {
        try
        {
            var noted = File.ReadAllText(PidFile).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (noted is not [var pid, var started])
            {
                return null;
            }

            // The second field is the program's name in brackets, and may hold anything.
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[19] == started && fields[0] != "Z" ? int.Parse(pid, CultureInfo.InvariantCulture) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Starts the server and waits until it is ready.</summary>
    /// <exception cref="InvalidOperationException">It ended.</exception>
    /// <exception cref="TimeoutException">It did not become ready.</exception>
    public async Task StartAsync(ServerCommand command)
    {
        File.Delete(PidFile);
        using (var start = Process.Start(new ProcessStartInfo("setsid", ["sh", "-c", Script, "sh", PidFile, Log, command.Name, .. command.Arguments]) { WorkingDirectory = command.Folder })!)
        {
            await TestProgram.PollAsync($"The start of {command.Name}", async cancellationToken =>
            {
                if (File.Exists(PidFile) && Pid() is null)
                {
                    throw new InvalidOperationException($"{command.Name} ended. The last lines of {Log}:\n{string.Join('\n', File.ReadLines(Log).TakeLast(LogLinesShown))}");
                }

                return File.Exists(PidFile) && await command.IsReady(cancellationToken);
            });
        }
    }

    /// <summary>Asks it to end, and ends it by force if it does not.</summary>
    public async Task StopAsync()
    {
        if (Pid() is { } pid)
        {
            // What asks PostgreSQL to end without waiting for its clients, and the others take it too.
            Signal(Interrupt, pid);
            try
            {
                await TestProgram.PollAsync("Its end", _ => Task.FromResult(Pid() is null));
            }
            catch (TimeoutException)
            {
                Signal("KILL", pid);
                await TestProgram.PollAsync("Its end", _ => Task.FromResult(Pid() is null));
            }
        }

        File.Delete(PidFile);
    }

    private static void Signal(string name, int pid)
    {
        try
        {
            using var kill = Process.Start("kill", [$"-{name}", pid.ToString(CultureInfo.InvariantCulture)]);
            kill.WaitForExit();
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException($"'kill' cannot be run: {e.Message}", e);
        }
    }
}
