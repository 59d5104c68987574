using System.Diagnostics;
using System.Text.RegularExpressions;

namespace FeatureStore.Cli.Tests.Verbs;

/// <summary>The built command, run as a user runs it: a process in a copy of the bank repo.</summary>
internal sealed partial class Fstore : IDisposable
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

    /// <summary>Puts these definitions in place of the bank's.</summary>
    public void Define(string yaml)
    {
        var features = Path.Combine(Repo, "features");
        foreach (var file in Directory.EnumerateFiles(features))
        {
            File.Delete(file);
        }

        File.WriteAllText(Path.Combine(features, "all.yaml"), yaml);
    }

    /// <summary>Puts this store, a YAML value, in place of the bank's.</summary>
    public void UseOnlineStore(string store)
    {
        var path = Path.Combine(Repo, "feature_store.yaml");
        File.WriteAllText(path, OnlineStore().Replace(File.ReadAllText(path), $"online_store: {store}\n", 1));
    }

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

    [GeneratedRegex(@"online_store:\n(  .*\n)+")]
    private static partial Regex OnlineStore();
}
