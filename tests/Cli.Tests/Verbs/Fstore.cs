using System.Diagnostics;

namespace FeatureStore.Cli.Tests.Verbs;

/// <summary>The built command, run as a user runs it: a process in a copy of the bank repo.</summary>
internal sealed class Fstore : IDisposable
{
    public Fstore()
    {
        Repo = Directory.CreateTempSubdirectory("fstore").FullName;
        var source = Path.Combine(AppContext.BaseDirectory, "repo");
        foreach (var file in Directory.EnumerateFiles(source, "*.yaml", SearchOption.AllDirectories))
        {
            var target = Path.Combine(Repo, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    public string Repo { get; }

    public Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments) => RunInZoneAsync(null, arguments);

    /// <summary>Runs in a time zone, which is a matter of the whole process.</summary>
    public async Task<(int Code, string Output, string Error)> RunInZoneAsync(string? zone, params string[] arguments)
    {
        using var process = Start(zone is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["TZ"] = zone }, arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    public Process Start(params string[] arguments) => Start(new Dictionary<string, string>(), arguments);

    public Process Start(IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Repo,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "fstore.dll"));
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    public void Dispose() => Directory.Delete(Repo, recursive: true);
}
