using System.Text.Json;

namespace FeatureStore.Cli.Tests.Verbs;

public sealed class ModelsTests : IDisposable
{
    private const string Weekly = "num_transactions_l1w,total_amount_l1w,avg_amount_l1w,min_amount_l1w,max_amount_l1w,num_vendors_l1w,num_sources_l1w";

    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [Fact]
    public async Task Models_AddPromoteRollback_TellWhichVersionIsLive()
    {
        await Apply();
        var first = await Ok("models", "add", "outflow", Model("lr-vector.onnx"), "--feature-service", "fraud_v1", "--features", Weekly, "--missing", "nan", "--metric", "auc=0.621");
        Assert.Contains("Next: fstore models promote outflow 1", first, StringComparison.Ordinal);
        await Ok("models", "add", "outflow", Model("xgboost.ubj"), "--feature-service", "fraud_v1", "--features", Weekly, "--missing", "nan");
        Assert.Contains("outflow 1 is live", await Ok("models", "promote", "outflow", "1"), StringComparison.Ordinal);
        Assert.Contains("outflow 2 is live", await Ok("models", "promote", "outflow", "2"), StringComparison.Ordinal);
        Assert.Contains("outflow 1 is live again", await Ok("models", "rollback", "outflow"), StringComparison.Ordinal);
        var lines = (await Ok("models", "list", "--json")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement).ToArray();
        Assert.Equal([("1", true), ("2", false)], lines.Select(l => (l.GetProperty("version").GetString()!, l.GetProperty("live").GetBoolean())));
        var shown = JsonDocument.Parse(await Ok("models", "show", "outflow", "--json")).RootElement;
        Assert.Equal("NaN", shown.GetProperty("Plan").GetProperty("Missing").GetString());
        Assert.Equal(0.621, shown.GetProperty("Metrics").GetProperty("auc").GetDouble());
        Assert.Contains("auc 0.621", await Ok("models", "show", "outflow", "1"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Promote_AfterADefinitionChanged_IsRefused()
    {
        await Apply();
        await Ok("models", "add", "outflow", Model("lr-vector.onnx"), "--feature-service", "fraud_v1", "--features", Weekly);
        var path = Path.Combine(_fstore.Repo, "features", "bank.yaml");
        var definitions = await File.ReadAllTextAsync(path);
        Assert.Contains("function: mean", definitions, StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, definitions.Replace("function: mean", "function: max", StringComparison.Ordinal));
        await Apply();
        var refused = await _fstore.RunAsync("models", "promote", "outflow", "1");
        Assert.Equal(1, refused.Code);
        Assert.Contains("fingerprint", refused.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "no feature service 'daily'", "--feature-service", "daily")]
    [InlineData(1, "7 wide", "--feature-service", "fraud_v1")]
    [InlineData(1, "'color'", "--feature-service", "fraud_v1", "--features", "color,b,c,d,e,f,g")]
    [InlineData(2, "--metric", "--feature-service", "fraud_v1", "--features", Weekly, "--metric", "auc")]
    public async Task Add_ThatCannotSucceed_TellsWhyInItsCode(int code, string text, params string[] options)
    {
        await Apply();
        var result = await _fstore.RunAsync(["models", "add", "outflow", Model("lr-vector.onnx"), .. options]);
        Assert.Contains(text, result.Error, StringComparison.Ordinal);
        Assert.Equal(code, result.Code);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }

    private static string Model(string file) => Path.Combine(AppContext.BaseDirectory, "models", file);

    private async Task Apply() => await Ok("apply");

    private async Task<string> Ok(params string[] arguments)
    {
        var result = await _fstore.RunAsync(arguments);
        Assert.True(result.Code == 0, result.Error);
        return result.Output;
    }
}
