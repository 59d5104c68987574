using System.Text.Json;
using FeatureStore.Cli.Tests.Verbs;
using FeatureStore.Tests.Servers;
using FeatureStore.Tests.Servers.S3;

namespace FeatureStore.Cli.Tests.EndToEnd;

/// <summary>The bank with its lake in two buckets, as a folder's lake serves it, by the built command.</summary>
public sealed class S3LakeTests : IDisposable
{
    private const string Bucket = "transaction-data";
    private const string Users = "transaction-data-user";
    private const string View = "user_transactions_l1w";
    private static readonly string[] Generate = ["generate", "--users", "20", "--days", "24", "--seed", "5", "--first-day", "2026-01-05"];
    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Verbs_LakeInBuckets_DoWhatTheyDoOnAFolder(bool isConditional)
    {
        TestProgram.NeedLong(!isConditional);
        await using var server = await S3TestServer.StartAsync(Bucket, Users);
        server.IsConditional = isConditional;
        Use(server);
        string[][] commands =
        [
            ["apply"], Generate, ["ingest"], ["features", "compute", "--as-of", "2026-02-02"], ["materialize", "2026-01-01", "2026-02-03"],
            ["verify", "parity"], ["lake", "compact"], ["lake", "vacuum", "--dry-run"], ["verify", "parity"],
        ];
        foreach (var command in commands)
        {
            await OkAsync(command);
        }

        Assert.Contains("all is as the logs say", await OkAsync("lake", "check"), StringComparison.Ordinal);
        Assert.Equal(["cdc/transactions", "demographic/customers", "features/user_transactions_l1w"], Lines(await OkAsync("lake", "tables", "--json")).Select(t => t.GetProperty("path").GetString()));
        Assert.Contains(server.Keys(Bucket), k => k.StartsWith("cdc/transactions/_delta_log/", StringComparison.Ordinal));
        Assert.Contains(server.Keys(Bucket), k => k.StartsWith("features/user_transactions_l1w/event_date=2026-02-02/part-", StringComparison.Ordinal));
        Assert.Contains(server.Keys(Users), k => k.StartsWith("demographic/customers/_delta_log/", StringComparison.Ordinal));
        Assert.DoesNotContain(server.Keys(Bucket), k => k.Contains("_tmp", StringComparison.Ordinal) || k.Contains("_fstore_lease", StringComparison.Ordinal) || k.Contains("_fstore_probe", StringComparison.Ordinal));
        Assert.NotEmpty(Lines(await OkAsync("lake", "history", "cdc/transactions", "--json")));
        Assert.NotEmpty(Lines(await OkAsync("lake", "files", "demographic/customers", "--json")));

        using var explained = JsonDocument.Parse(await OkAsync("explain", "--view", View, "--feature", "total_amount_l1w", "--entity", "user_id=u0000003", "--json"));
        Assert.Equal(explained.RootElement.GetProperty("Served").GetRawText(), explained.RootElement.GetProperty("Recomputed").GetRawText());
        Assert.All(explained.RootElement.GetProperty("Rows").EnumerateArray(), row => Assert.Contains(row.GetProperty("File").GetString()!, server.Keys(Bucket)));

        await OkAsync("get-historical-features", "--feature-service", "fraud_v1", "--output", "s3.parquet", "--labels-sql", "SELECT user_id, time AS event_timestamp FROM \"cdc/transactions\" WHERE __op = 'c' ORDER BY __key");
        await OkAsync("get-historical-features", "--replay", "s3.parquet", "--output", "again.parquet");
        Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(_fstore.Repo, "s3.parquet")), await File.ReadAllBytesAsync(Path.Combine(_fstore.Repo, "again.parquet")));
        Assert.False(Directory.Exists(Path.Combine(_fstore.Repo, "data", "lake")));
    }

    [Fact]
    public async Task Ingest_KilledWithinAnUpload_LeavesOrphansOnlyAndEndsLater()
    {
        await using var server = await S3TestServer.StartAsync(Bucket, Users);
        Use(server);
        await OkAsync("apply");
        await OkAsync(Generate);
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var sent = 0;
        server.Fault = s =>
        {
            if (s.Method == "PUT" && s.Target.EndsWith(".parquet", StringComparison.Ordinal) && Interlocked.Increment(ref sent) > 2)
            {
                reached.TrySetResult();
                return S3Fault.Stalls;
            }

            return S3Fault.None;
        };
        using (var killed = _fstore.Start("ingest"))
        {
            await reached.Task.WaitAsync(TimeSpan.FromMinutes(1));
            killed.Kill();
            await killed.WaitForExitAsync();
        }

        server.Fault = _ => S3Fault.None;
        Assert.DoesNotContain(server.Keys(Bucket), k => k.EndsWith(".json", StringComparison.Ordinal));
        var orphans = server.Keys(Bucket).Count(k => k.EndsWith(".parquet", StringComparison.Ordinal));
        Assert.True(orphans > 0);
        await OkAsync("ingest");
        var (code, output, _) = await _fstore.RunAsync("lake", "check", "cdc/transactions", "--json");
        Assert.Equal(1, code);
        Assert.All(Lines(output), f => Assert.Equal("orphan", f.GetProperty("fault").GetString()));
        Assert.Equal(orphans, Lines(output).Count);
        await OkAsync("lake", "vacuum", "--retention-hours", "0", "--allow-short-retention");
        Assert.Contains("all is as the logs say", await OkAsync("lake", "check"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ingest_SettingsOrServerWrong_SayTheWayOut()
    {
        var server = await S3TestServer.StartAsync(Bucket, Users);
        Use(server);
        await OkAsync("apply");
        await OkAsync(Generate);
        await server.DisposeAsync();
        var gone = await _fstore.RunAsync("ingest");
        Assert.Equal(3, gone.Code);
        Assert.Contains("did not answer in 2 attempts", gone.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(S3TestServer.SecretKey, gone.Error, StringComparison.Ordinal);

        var path = Path.Combine(_fstore.Repo, "feature_store.yaml");
        var text = await File.ReadAllTextAsync(path);
        await File.WriteAllTextAsync(path, text.Replace("attempts: 2", "attempts: none", StringComparison.Ordinal));
        Assert.Contains("attempts: none is no whole number", (await _fstore.RunAsync("ingest")).Error, StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, text.Replace("    secret_key: " + S3TestServer.SecretKey + "\n", string.Empty, StringComparison.Ordinal));
        Assert.Contains("FSTORE__S3__SECRET_KEY_FILE", (await _fstore.RunAsync("ingest")).Error, StringComparison.Ordinal);
    }

    private static List<JsonElement> Lines(string output) => [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];

    private void Use(S3TestServer server)
    {
        var path = Path.Combine(_fstore.Repo, "feature_store.yaml");
        var text = File.ReadAllText(path);
        Assert.Contains("  lake: data/lake\n", text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(
            "  lake: data/lake\n",
            $"""
              lake: s3://{Bucket}
              tables:
                demographic: s3://{Users}/demographic
              s3:
                endpoint: {server.Endpoint}
                access_key: {S3TestServer.AccessKey}
                secret_key: {S3TestServer.SecretKey}
                cache_folder: data/cache
                timeout_seconds: 10
                attempts: 2

            """,
            StringComparison.Ordinal));
    }

    private async Task<string> OkAsync(params string[] command)
    {
        var (code, output, error) = await _fstore.RunAsync(command);
        Assert.True(code == 0, $"{string.Join(' ', command)}: {output}{error}");
        return output;
    }
}
