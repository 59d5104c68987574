using FeatureStore.Client.Tests.Server;
using Microsoft.Extensions.DependencyInjection;

namespace FeatureStore.Client.Tests.Readme;

public sealed class ReadmeTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Readme");

    [Fact]
    public void Readme_EveryCodeLine_IsCompiledHere()
    {
        var sample = File.ReadLines(Path.Combine(Folder, "ReadmeSample.cs")).Select(l => l.Trim()).ToHashSet();
        var code = CodeLines(File.ReadAllLines(Path.Combine(Folder, "README.md"))).ToArray();
        Assert.True(code.Length > 10, "The README has lost its code.");
        Assert.DoesNotContain(code, l => !sample.Contains(l));
    }

    [Fact]
    public async Task Readme_Sample_Runs()
    {
        await using var server = await FakeFeatureServer.StartAsync();
        await ReadmeSample.ReadAsync(server.Address);
        Assert.Equal(2, Assert.Single(server.Service.Requests).Entities["user_id"].Val.Count);
        var services = new ServiceCollection();
        ReadmeSample.Register(services, server.Address);
        await using var provider = services.BuildServiceProvider();
        Assert.Equal("1.2.3", await provider.GetRequiredService<FeatureStoreClient>().GetServingVersionAsync());
    }

    private static IEnumerable<string> CodeLines(string[] lines)
    {
        var inside = false;
        foreach (var line in lines)
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                inside = line == "```csharp";
            }
            else if (inside && line.Trim().Length > 0)
            {
                yield return line.Trim();
            }
        }
    }
}
