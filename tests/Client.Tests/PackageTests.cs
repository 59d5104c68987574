using System.Diagnostics;
using System.IO.Compression;
using System.Reflection;
using System.Xml.Linq;

namespace FeatureStore.Client.Tests;

public sealed class PackageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("package").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Pack_WithoutANetwork_HoldsAllThatAUserNeeds()
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        foreach (var argument in new[] { "pack", Metadata("ClientProject"), "-c", Metadata("Configuration"), "--no-build", "-o", _folder })
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, output);
        using var package = ZipFile.OpenRead(Assert.Single(Directory.GetFiles(_folder, "*.nupkg")));
        var names = package.Entries.Select(e => e.FullName).ToArray();
        Assert.Contains("README.md", names);
        foreach (var file in new[] { "FeatureStore.Client.dll", "FeatureStore.Client.xml", "FeatureStore.Contract.dll" })
        {
            Assert.Contains($"lib/net10.0/{file}", names);
        }

        // Contract is inside, so a package of that name, which nobody publishes, must not be asked for.
        using var specification = package.Entries.Single(e => e.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        var dependencies = XDocument.Load(specification).Descendants().Where(e => e.Name.LocalName == "dependency").Select(e => (string)e.Attribute("id")!);
        Assert.Equal(
            ["Google.Protobuf", "Grpc.Core.Api", "Grpc.Net.Client", "Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions"],
            dependencies.Order(StringComparer.Ordinal));
    }

    private static string Metadata(string key) =>
        typeof(PackageTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;
}
