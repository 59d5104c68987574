using System.Diagnostics;

namespace FeatureStore.Architecture.Tests;

/// <summary>The script <c>fstore</c> beside a <c>dotnet</c> that only says what it was given.</summary>
public sealed class LauncherTests : IDisposable
{
    private const string Dotnet = """
        #!/bin/sh
        case "$1" in
          --version) echo 10.0.100 ;;
          build) ;;
          *) echo "${DOTNET_TieredPGO-unset} $2 $3" ;;
        esac
        """;

    private readonly string _home = Directory.CreateTempSubdirectory("launcher").FullName;

    public LauncherTests()
    {
        foreach (var folder in new[] { "bin", "src/Cli/bin/Release/net10.0", "proto" })
        {
            Directory.CreateDirectory(Path.Combine(_home, folder));
        }

        File.WriteAllText(Path.Combine(_home, "Directory.Packages.props"), string.Empty);
        File.Copy(Path.Combine(Repository.Root, "fstore"), Path.Combine(_home, "fstore"));
        var dotnet = Path.Combine(_home, "bin", "dotnet");
        File.WriteAllText(dotnet, Dotnet);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(dotnet, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }
    }

    [Theory]
    [InlineData("0 materialize 2026-11-30", null, "materialize", "2026-11-30")]
    [InlineData("0 materialize-incremental 2026-11-30", null, "materialize-incremental", "2026-11-30")]
    [InlineData("1 materialize 2026-11-30", "1", "materialize", "2026-11-30")]
    [InlineData("unset serve --with-jobs", null, "serve", "--with-jobs")]
    [InlineData("unset ", null)]
    public async Task Fstore_OfAVerb_RunsItWithTheRuntimesSettingThatSuitsIt(string says, string? set, params string[] arguments)
    {
        var start = new ProcessStartInfo("bash", [Path.Combine(_home, "fstore"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = $"{Path.Combine(_home, "bin")}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment.Remove("DOTNET_TieredPGO");
        if (set is not null)
        {
            start.Environment["DOTNET_TieredPGO"] = set;
        }

        using var fstore = Process.Start(start)!;
        var error = fstore.StandardError.ReadToEndAsync();
        Assert.Equal(says.Trim(), (await fstore.StandardOutput.ReadToEndAsync()).Trim());
        await fstore.WaitForExitAsync();
        Assert.True(fstore.ExitCode == 0, await error);
    }

    public void Dispose() => Directory.Delete(_home, recursive: true);
}
