using System.Diagnostics;
using System.Reflection;
using System.Text.Json;

namespace FeatureStore.Interop;

/// <summary>A gRPC client that is not ours, and the script that drives it.</summary>
internal sealed record ForeignClient(string Name, string Program, string Script, IReadOnlyList<string> Probe)
{
    public static string Folder { get; } = Metadata("Folder");

    public static ForeignClient Node { get; } = new(
        "node", "node", Path.Combine(Folder, "node", "interop.js"), ["-e", $"require('{Path.Combine(Folder, "node", "node_modules", "@grpc", "grpc-js")}')"]);

    // Debian's own interpreter: its packages are not seen by another one that may come first on the path.
    public static ForeignClient Python { get; } = new(
        "python", "/usr/bin/python3", Path.Combine(Folder, "python", "interop.py"), ["-c", "import grpc, google.protobuf"]);

    public static ForeignClient ByName(string name) => name == Node.Name ? Node : Python;

    /// <summary>A path that the project file gave the tests.</summary>
    public static string Metadata(string key) =>
        typeof(ForeignClient).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;

    /// <summary>Whether the interpreter and its gRPC library are installed.</summary>
    public bool IsInstalled()
    {
        var start = new ProcessStartInfo(Program) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in Probe)
        {
            start.ArgumentList.Add(argument);
        }

        try
        {
            using var process = Process.Start(start)!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}

/// <summary>What a client printed: a fault, or null, per case.</summary>
internal sealed record ClientReport(IReadOnlyDictionary<string, string?> Faults, string Errors)
{
    public static ClientReport Parse(string output, string errors)
    {
        var faults = new Dictionary<string, string?>();
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var json = JsonDocument.Parse(line);
            faults.Add(json.RootElement.GetProperty("case").GetString()!, json.RootElement.GetProperty("fault").GetString());
        }

        return new ClientReport(faults, errors);
    }
}
