using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace FeatureStore.Load.Targets;

/// <summary>A server under load: a process on a core of its own, whose processor time is read from the kernel.</summary>
internal sealed partial class ServerProcess : IDisposable
{
    // Fields of /proc/PID/stat after the name, counted from its state: user and system time, in ticks of 10 ms.
    private const int UserTicksField = 11;
    private const double TickSeconds = 0.01;

    private readonly Process _process;

    private ServerProcess(Process process, IPEndPoint address)
    {
        _process = process;
        Address = address;
    }

    public IPEndPoint Address { get; }

    public int Id => _process.Id;

    public double CpuSeconds
    {
        get
        {
            var stat = File.ReadAllText($"/proc/{_process.Id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(fields[UserTicksField], CultureInfo.InvariantCulture) + long.Parse(fields[UserTicksField + 1], CultureInfo.InvariantCulture)) * TickSeconds;
        }
    }

    /// <summary>Runs a .NET program to its end.</summary>
    public static async Task RunAsync(string folder, params string[] arguments)
    {
        using var process = Process.Start(Info("dotnet", folder, arguments))!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{string.Join(' ', arguments)} failed with {process.ExitCode}: {output}");
        }
    }

    /// <summary>Starts a .NET server on the core and waits for the line that tells its address.</summary>
    public static async Task<ServerProcess> StartAsync(int core, string folder, params string[] arguments)
    {
        var process = Process.Start(Info("taskset", folder, ["-c", core.ToString(CultureInfo.InvariantCulture), "dotnet", .. arguments]))!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (Listening().Match(line) is { Success: true } match)
            {
                return new ServerProcess(process, IPEndPoint.Parse(match.Value));
            }
        }

        throw new InvalidOperationException($"{string.Join(' ', arguments)} ended before it listened.");
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static ProcessStartInfo Info(string program, string folder, string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, WorkingDirectory = folder };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }

    [GeneratedRegex(@"127\.0\.0\.1:\d+")]
    private static partial Regex Listening();
}
