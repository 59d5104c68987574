using System.Diagnostics;
using System.Globalization;

namespace FeatureStore.Tests.Dev;

/// <summary><c>fstore dev</c> as the launcher runs it.</summary>
public sealed class DevServersTests
{
    private const int Ok = 0;
    private const int No = 1;

    [SkippableFact]
    public async Task Servers_KilledAndStartedAgain_KeepTheirPortsAndEndTogether()
    {
        DevServers.Need();
        var root = Directory.CreateTempSubdirectory("dev").FullName;
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(root, (UnixFileMode)0b111_101_101); // PostgreSQL's own user must get in.
        }

        try
        {
            Assert.Equal(No, (await RunAsync(root, "status")).Code);
            var first = await RunAsync(root, "up");
            Assert.True(first.Code == Ok, first.Error);
            var servers = new DevServers(root);
            var before = servers.All.Select(s => (s.Port, s.Pid)).ToList();
            var environment = await File.ReadAllTextAsync(servers.EnvironmentFile);
            Assert.Contains($"Port={servers.All[0].Port};", environment, StringComparison.Ordinal);

            Assert.Equal(Ok, (await RunAsync(root, "up")).Code);
            Assert.Equal(before, servers.All.Select(s => (s.Port, s.Pid)));

            using (var kill = Process.Start("kill", ["-KILL", servers.All[0].Pid!.Value.ToString(CultureInfo.InvariantCulture), servers.All[^1].Pid!.Value.ToString(CultureInfo.InvariantCulture)]))
            {
                await kill.WaitForExitAsync();
            }

            // An id that another process has by now is not taken for the server.
            await File.WriteAllTextAsync(Path.Combine(servers.All[0].Folder, "pid"), $"{Environment.ProcessId} 1");
            var status = await RunAsync(root, "status");
            Assert.Equal((No, 2), (status.Code, status.Output.Split('\n').Count(l => l.EndsWith("down", StringComparison.Ordinal))));
            var again = await RunAsync(root, "up");
            Assert.True(again.Code == Ok, again.Error);
            Assert.Equal(before.Select(b => b.Port), servers.All.Select(s => s.Port));
            Assert.Equal(Ok, (await RunAsync(root, "status")).Code);
            Assert.Equal(environment, await File.ReadAllTextAsync(servers.EnvironmentFile));
        }
        finally
        {
            Assert.Equal(Ok, (await RunAsync(root, "down")).Code);
            Assert.All(new DevServers(root).All, s => Assert.Null(s.Pid));
            Directory.Delete(root, recursive: true);
        }
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(string root, string verb)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(DevServers).Assembly.Location, root, verb]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }
}
