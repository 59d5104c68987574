using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FeatureStore.Tests.Servers;

/// <summary>
/// One program started for a test, with a temporary folder of its own; killed and its folder removed at the end. What it
/// printed stands in the message when it does not start.
/// </summary>
public sealed class TestProgram : IDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private TestProgram(string name, IEnumerable<string> arguments, string folder)
    {
        var start = new ProcessStartInfo(name, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Skips the test when the program is not installed; with <c>CI</c> set it fails instead.</summary>
    /// <param name="name">The program's name on the PATH.</param>
    /// <param name="package">The Debian package that brings it.</param>
    public static void Need(string name, string package)
    {
        var isThere = (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':').Any(f => File.Exists(Path.Combine(f, name)));
        Need(isThere, $"{name} is not installed; run './test', or install the package {package}.");
    }

    /// <summary>Skips the test when what it needs is not there; with <c>CI</c> set it fails instead.</summary>
    public static void Need(bool isThere, string message)
    {
        if (!isThere && !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CI")))
        {
            throw new InvalidOperationException(message);
        }

        Skip.IfNot(isThere, message);
    }

    /// <summary>True if cases are tried that are left out of a usual run: <c>./test --long</c>.</summary>
    public static bool IsLong => Environment.GetEnvironmentVariable("FSTORE_ROBUSTNESS") == "long";

    /// <summary>Skips a case that stands for no kind of its own, unless all are wanted.</summary>
    public static void NeedLong(bool isFurther = true) => Skip.If(isFurther && !IsLong, "One of several cases like it; './test --long' tries all.");

    /// <summary>Starts the program and waits until it is ready.</summary>
    public static async Task<TestProgram> StartAsync(ServerCommand command)
    {
        var program = new TestProgram(command.Name, command.Arguments, command.Folder);
        try
        {
            await program.WaitAsync(command.IsReady);
            return program;
        }
        catch
        {
            program.Dispose();
            throw;
        }
    }

    /// <summary>A port of the loopback address that was free a moment ago.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Asks until the answer is yes, for at most half a minute.</summary>
    public static async Task PollAsync(string what, Func<CancellationToken, Task<bool>> isTrue)
    {
        using var deadline = new CancellationTokenSource(StartTimeout);
        while (true)
        {
            try
            {
                if (await isTrue(deadline.Token))
                {
                    return;
                }

                await Task.Delay(PollInterval, deadline.Token);
            }
            catch (Exception e) when (e is SocketException or IOException && !deadline.IsCancellationRequested)
            {
                await Task.Delay(PollInterval, CancellationToken.None);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"{what} within {StartTimeout.TotalSeconds:0} s did not come.");
            }
        }
    }

    /// <summary>Stops the program's work without ending it, as SIGSTOP does.</summary>
    public void Pause() => Signal("STOP");

    /// <summary>Lets it go on after <see cref="Pause"/>.</summary>
    public void Resume() => Signal("CONT");

    /// <summary>Ends it at once, as SIGKILL does, and waits until it is gone.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit(StopTimeout);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            _output.AppendLine(line.Data);
        }
    }

    private Task WaitAsync(Func<CancellationToken, Task<bool>> isReady) =>
        PollAsync("The start of " + _process.StartInfo.FileName, async cancellationToken =>
        {
            if (!_process.HasExited)
            {
                return await isReady(cancellationToken);
            }

            lock (_output)
            {
                throw new InvalidOperationException($"{_process.StartInfo.FileName} ended with code {_process.ExitCode}: {_output}");
            }
        });

    private void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}
