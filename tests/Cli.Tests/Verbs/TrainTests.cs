using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using FeatureStore.OfflineStore.DataSets;
using FeatureStore.OfflineStore.PointInTime;

namespace FeatureStore.Cli.Tests.Verbs;

/// <summary>From a data set to a live model and its report, by the command.</summary>
public sealed class TrainTests : IDisposable
{
    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [SkippableFact]
    public async Task Train_OnADataSet_KeepsModelReportAndHowItCameToBe()
    {
        await OkAsync("apply");
        var path = await DataSetAsync();
        string[] arguments = ["train", "--dataset", path, "--label", "label_large_outflow", "--task", "binary", "--model", "outflow", "--feature-service", "fraud_v1", "--keys", "account_id", "--label-window", "7d"];
        var first = await RunAsync([.. arguments, "--promote", "--json"]);
        var trained = JsonDocument.Parse(first).RootElement;
        var training = trained.GetProperty("manifest").GetProperty("Training");
        Assert.True(trained.GetProperty("live").GetBoolean());
        Assert.True(trained.GetProperty("manifest").GetProperty("Metrics").GetProperty("auc").GetDouble() > 0.6);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(path))), training.GetProperty("dataset").GetProperty("sha256").GetString());
        Assert.Contains("<svg", await File.ReadAllTextAsync(trained.GetProperty("report").GetString()!), StringComparison.Ordinal);
        Assert.Contains("age (not in the data set)", trained.GetProperty("left_out").GetRawText(), StringComparison.Ordinal);

        // The same training is the same version; under another name it has the same bytes.
        var second = JsonDocument.Parse(await RunAsync([.. arguments, "--json"])).RootElement;
        Assert.Equal("1", second.GetProperty("manifest").GetProperty("Version").GetString());
        var third = JsonDocument.Parse(await RunAsync([.. arguments.Select(a => a == "outflow" ? "another" : a), "--json"])).RootElement;
        Assert.Equal(Sha(trained), Sha(third));
        var deeper = JsonDocument.Parse(await RunAsync([.. arguments, "--max-depth", "5", "--json"])).RootElement;
        Assert.Equal("2", deeper.GetProperty("manifest").GetProperty("Version").GetString());
        Assert.NotEqual(Sha(trained), Sha(deeper));
        Assert.Contains("SCORED", await OkAsync("score", "--model", "outflow", "--entities", "user_id=1"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Train_OnWindowsAtLabels_WarnsWhenItIsScored()
    {
        await OkAsync("apply");
        var path = await DataSetAsync();
        var sha = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(path)));
        var query = new DataSetQuery("labels.csv", sha, null, "event_timestamp", [], "fraud_v1", FullFeatureNames: false, "strict", "commit", 0, "label");
        var file = new DataSetFile(Path.GetFileName(path), 9_122, new FileInfo(path).Length, sha);
        var manifest = new DataSetManifest(
            DataSetManifest.FormatName, "bank_features", "DuckDB", "d", null, query, [], 9_122, 0, sha, [file],
            [new DataSetColumn("total_amount_l1w", "DOUBLE", "user_transactions_l1w:total_amount_l1w", 0, 0, null, null, null)], new LeakageReport(0, 0, []));
        await File.WriteAllTextAsync(path + ".manifest.json", manifest.ToJson());
        await RunAsync(["train", "--dataset", path, "--label", "label_large_outflow", "--task", "binary", "--model", "outflow", "--rounds", "5", "--promote"]);
        var scored = await _fstore.RunAsync("score", "--model", "outflow", "--entities", "user_id=1");
        Assert.Equal(0, scored.Code);
        Assert.Contains("warning: Model 'outflow' 1 was trained on windows that end at each label", scored.Error, StringComparison.Ordinal);

        await File.AppendAllTextAsync(path, " ");
        var changed = await _fstore.RunAsync("train", "--dataset", path, "--label", "label_large_outflow", "--task", "binary", "--model", "outflow");
        Assert.Contains("is not what was exported: bank.csv has", changed.Error, StringComparison.Ordinal);
        Assert.Equal(1, changed.Code);
    }

    [SkippableTheory]
    [InlineData("label", true)]
    [InlineData("snapshot", false)]
    public async Task Score_AfterAnExportOfTheBank_WarnsOfWindowsThatEndAtLabelsAlone(string windowAt, bool warns)
    {
        await OkAsync("apply");
        await OkAsync("generate", "--users", "30", "--days", "12", "--seed", "5");
        await OkAsync("ingest");
        var today = $"{DateTime.UtcNow.Date:yyyy-MM-dd}";
        await OkAsync("features", "compute", "--as-of", today);
        await OkAsync("materialize-incremental", today);
        var path = Path.Combine(_fstore.Repo, "labels.parquet");
        await OkAsync(
            "get-historical-features", "--features", "user_transactions_l1w:num_transactions_l1w,user_transactions_l1w:total_amount_l1w", "--window-at", windowAt, "--output", path, "--labels-sql",
            $"""
            SELECT user_id, CAST(hash(user_id || i) % 2 AS BIGINT) AS label, TIMESTAMPTZ '{today} 00:00:00Z' + INTERVAL 1 MINUTE * i AS event_timestamp
            FROM (SELECT DISTINCT user_id FROM "cdc/transactions"), range(1, 11) r(i) ORDER BY ALL
            """);
        await RunAsync(["train", "--dataset", path, "--label", "label", "--task", "binary", "--model", "week", "--feature-service", "payment_v1", "--rounds", "5", "--promote"]);

        var scored = await _fstore.RunAsync("score", "--model", "week", "--entities", "user_id=1", "--request", "amount=10");
        Assert.True(scored.Code == 0, scored.Error);
        Assert.Contains("SCORED", scored.Output, StringComparison.Ordinal);
        Assert.Equal(warns, scored.Error.Contains("warning: Model 'week' 1 was trained on windows that end at each label", StringComparison.Ordinal));
    }

    [SkippableTheory]
    [InlineData(1, "There is no data set", "--dataset", "nowhere.parquet", "--label", "y", "--task", "binary", "--feature-service", "fraud_v1")]
    [InlineData(2, "--feature-service", "--dataset", "DATA", "--label", "label_large_outflow", "--task", "binary")]
    [InlineData(1, "no column 'y'", "--dataset", "DATA", "--label", "y", "--task", "binary", "--feature-service", "fraud_v1")]
    [InlineData(2, "--features names 'color'", "--dataset", "DATA", "--label", "label_large_outflow", "--task", "binary", "--feature-service", "fraud_v1", "--features", "color")]
    [InlineData(2, "--label-window is 'soon'", "--dataset", "DATA", "--label", "label_large_outflow", "--task", "binary", "--feature-service", "fraud_v1", "--label-window", "soon")]
    [InlineData(2, "--test-share", "--dataset", "DATA", "--label", "label_large_outflow", "--task", "binary", "--feature-service", "fraud_v1", "--test-share", "1.5")]
    public async Task Train_ThatCannotSucceed_TellsWhyInItsCode(int code, string text, params string[] options)
    {
        await OkAsync("apply");
        var path = await DataSetAsync();
        var result = await _fstore.RunAsync(["train", "--model", "m", .. options.Select(o => o == "DATA" ? path : o)]);
        NeedXgboost(result);
        Assert.Contains(text, result.Error, StringComparison.Ordinal);
        Assert.Equal(code, result.Code);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }

    private static string Sha(JsonElement trained) => trained.GetProperty("manifest").GetProperty("Model").GetProperty("Sha256").GetString()!;

    /// <summary>Skips at a desk without the native library, and fails where everything must run.</summary>
    private static void NeedXgboost((int Code, string Output, string Error) result)
    {
        var isMissing = result.Code == 3 && result.Error.Contains("native/fetch.sh", StringComparison.Ordinal);
        Assert.False(isMissing && Environment.GetEnvironmentVariable("CI") is { Length: > 0 }, result.Error);
        Skip.If(isMissing, result.Error);
    }

    private async Task<string> DataSetAsync()
    {
        var path = Path.Combine(_fstore.Repo, "bank.csv");
        await using var target = File.Create(path);
        await using var zip = new GZipStream(File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Golden", "test.csv.gz")), CompressionMode.Decompress);
        await zip.CopyToAsync(target);
        return path;
    }

    private async Task<string> RunAsync(string[] arguments)
    {
        var result = await _fstore.RunAsync(arguments);
        NeedXgboost(result);
        Assert.True(result.Code == 0, result.Error);
        return result.Output;
    }

    private async Task<string> OkAsync(params string[] arguments)
    {
        var result = await _fstore.RunAsync(arguments);
        Assert.True(result.Code == 0, result.Error);
        return result.Output;
    }
}
