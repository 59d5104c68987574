using System.Text.Json;

namespace FeatureStore.Cli.Tests.Verbs;

public sealed class RegistryVerbsTests : IDisposable
{
    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [Fact]
    public async Task PlanApplyTeardown_OfTheBank_ShowWriteAndRemoveTheSame()
    {
        var plan = await _fstore.RunAsync("plan", "--json");
        Assert.True(plan.Code == 0, plan.Error);
        Assert.False(Directory.Exists(Path.Combine(_fstore.Repo, "data")));
        var apply = await _fstore.RunAsync("apply", "--json");
        Assert.Equal(plan.Output, apply.Output);
        Assert.Equal(7, Lines(apply.Output).Length);
        Assert.Equal((0, string.Empty), Short(await _fstore.RunAsync("plan", "--json")));
        Assert.Equal((1, string.Empty), Short(await _fstore.RunAsync("apply", "--if-revision", "another")));

        var torn = await _fstore.RunAsync("teardown", "--json");
        Assert.True(torn.Code == 0, torn.Error);
        var removed = Lines(torn.Output).Select(l => JsonDocument.Parse(l).RootElement).Select(e => $"{e.GetProperty("kind")} {e.GetProperty("name")}").ToArray();
        Assert.Contains("online rows of user_transactions_l1w", removed);
        Assert.Contains("project bank_features", removed);
        Assert.False(File.Exists(Path.Combine(_fstore.Repo, "data", "registry.db")));
        Assert.Equal((0, string.Empty), Short(await _fstore.RunAsync("teardown", "--json")));
        Assert.Equal(plan.Output, (await _fstore.RunAsync("plan", "--json")).Output);
    }

    [Fact]
    public async Task ListAndDescribe_AppliedRepo_ShowIt()
    {
        Assert.Equal(3, (await _fstore.RunAsync("entities", "list")).Code);
        Assert.Equal(0, (await _fstore.RunAsync("apply")).Code);
        var views = await _fstore.RunAsync("feature-views", "list", "--json");
        Assert.Equal(
            ["user_demographics", "user_transactions_l1w"], Lines(views.Output).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("name").GetString()));
        var view = await _fstore.RunAsync("feature-views", "describe", "user_demographics", "--json");
        Assert.Equal("315360000s", JsonDocument.Parse(view.Output).RootElement.GetProperty("spec").GetProperty("ttl").GetString());
        var unknown = await _fstore.RunAsync("feature-views", "describe", "nobody");
        Assert.Equal(1, unknown.Code);
        Assert.Contains("user_demographics, user_transactions_l1w", unknown.Error, StringComparison.Ordinal);
        Assert.Contains("bank_features", (await _fstore.RunAsync("projects", "list")).Output, StringComparison.Ordinal);
        var dump = JsonDocument.Parse((await _fstore.RunAsync("registry-dump")).Output).RootElement;
        Assert.Equal(2, dump.GetProperty("featureViews").GetArrayLength());
    }

    [Fact]
    public async Task Init_FreshFolder_HoldsTheRepoItself()
    {
        var target = Path.Combine(_fstore.Repo, "fresh");
        var made = await _fstore.RunAsync("init", target);
        Assert.True(made.Code == 0, made.Error);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "repo"), "*.yaml", SearchOption.AllDirectories))
        {
            var relative = Path.GetRelativePath(Path.Combine(AppContext.BaseDirectory, "repo"), file);
            Assert.Equal(await File.ReadAllTextAsync(file), await File.ReadAllTextAsync(Path.Combine(target, relative)));
        }

        Assert.Equal((await _fstore.RunAsync("plan", "--json")).Output, (await _fstore.RunAsync("-c", target, "plan", "--json")).Output);
        Assert.Equal(0, (await _fstore.RunAsync("-c", target, "apply")).Code);
        await File.WriteAllTextAsync(Path.Combine(target, "feature_store.yaml"), "mine");
        Assert.Equal(2, (await _fstore.RunAsync("init", target)).Code);
        Assert.Equal("mine", await File.ReadAllTextAsync(Path.Combine(target, "feature_store.yaml")));
    }

    private static (int Code, string Output) Short((int Code, string Output, string Error) result) => (result.Code, result.Output);

    private static string[] Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
