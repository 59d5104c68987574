namespace FeatureStore.Cli.Tests.Verbs;

public sealed class ExitCodeTests : IDisposable
{
    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [Theory]
    [InlineData(2, "bogus", "bogus")]
    [InlineData(2, "--every", "features", "compute", "--as-of", "2026-01-05", "--every", "weekly")]
    [InlineData(2, "--entities", "get-online-features", "--feature-service", "s", "--entities", "user_id")]
    [InlineData(2, "'other'", "import", "transactions", "x.csv", "--mapping", "other")]
    [InlineData(3, "absent.csv", "import", "transactions", "absent.csv", "--mapping", "berka")]
    [InlineData(3, "fstore apply", "serve", "--grpc-port", "0")]
    [InlineData(3, "no feature server answers at 127.0.0.1:1", "get-online-features", "--feature-service", "s", "--entities", "user_id=1", "--target", "127.0.0.1:1")]
    [InlineData(1, "feature_store.yaml", "-c", "absent", "apply")]
    public async Task Run_ThatCannotSucceed_TellsWhyInItsCode(int code, string text, params string[] arguments)
    {
        var result = await _fstore.RunAsync(arguments);
        Assert.Contains(text, result.Error, StringComparison.Ordinal);
        Assert.Equal(code, result.Code);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apply_BrokenDefinitions_NamesFileLineAndColumn()
    {
        var path = Path.Combine(_fstore.Repo, "features", "bank.yaml");
        await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(path)).Replace("function: count,", "function: tally,", StringComparison.Ordinal));
        var result = await _fstore.RunAsync("apply");
        Assert.Equal(1, result.Code);
        Assert.Matches(@"features/bank\.yaml:\d+:\d+: .*tally", result.Error);
    }

    [Fact]
    public async Task Materialize_EndInTheFuture_IsRefused()
    {
        Assert.Equal(0, (await _fstore.RunAsync("apply")).Code);
        Directory.CreateDirectory(Path.Combine(_fstore.Repo, "data", "lake", "features", "user_transactions_l1w"));
        var result = await _fstore.RunAsync("materialize", "2026-01-01", "2999-01-01");
        Assert.Equal(2, result.Code);
        Assert.Contains("future", result.Error, StringComparison.Ordinal);
    }
}
