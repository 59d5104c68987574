using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using FeatureStore.Contract.Rows;
using FeatureStore.OnlineStore;
using FeatureStore.OnlineStore.Sqlite;
using FeatureStore.Tests.Servers;

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
        Assert.Equal(10, Lines(apply.Output).Length);
        Assert.Equal((0, string.Empty), Short(await _fstore.RunAsync("plan", "--json")));
        Assert.Equal((1, string.Empty), Short(await _fstore.RunAsync("apply", "--if-revision", "another")));

        // Without an online store there is nothing to make tables in.
        var config = Path.Combine(_fstore.Repo, "feature_store.yaml");
        var text = await File.ReadAllTextAsync(config);
        await File.WriteAllTextAsync(config, text.Replace("online_store:\n  type: sqlite\n  path: data/online.db\n", "online_store: none\n", StringComparison.Ordinal));
        Assert.Equal((0, string.Empty), Short(await _fstore.RunAsync("apply", "--json")));
        await File.WriteAllTextAsync(config, text);

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
    public async Task SqlRegistry_SmallBank_GoesTheWholeRoadAndIsTornDown()
    {
        var config = Path.Combine(_fstore.Repo, "feature_store.yaml");
        var text = await File.ReadAllTextAsync(config);
        await File.WriteAllTextAsync(config, text.Replace("registry: data/registry.db", "registry: {registry_type: sql, path: 'sqlite:///data/sql.db'}", StringComparison.Ordinal));
        string[][] steps =
        [
            ["generate", "--users", "20", "--days", "10", "--seed", "5", "--first-day", "2026-01-05"], ["ingest"], ["plan"], ["apply"],
            ["features", "compute", "--as-of", "2026-01-12"], ["materialize", "2026-01-01", "2026-02-01"], ["materialize-incremental", "2026-02-02"], ["verify", "parity"], ["feature-views", "list"],
        ];
        foreach (var step in steps)
        {
            var result = await _fstore.RunAsync(step);
            Assert.True(result.Code == 0, $"{step[0]}: {result.Output}{result.Error}");
        }

        Assert.False(File.Exists(Path.Combine(_fstore.Repo, "data", "registry.db")));
        var intervals = JsonDocument.Parse((await _fstore.RunAsync("feature-views", "describe", "user_demographics", "--json")).Output).RootElement.GetProperty("meta").GetProperty("materializationIntervals");
        Assert.Equal(2, intervals.GetArrayLength());
        Assert.Contains("project bank_features", (await _fstore.RunAsync("teardown")).Output, StringComparison.Ordinal);
        Assert.Equal(string.Empty, (await _fstore.RunAsync("teardown", "--json")).Output);
        Assert.Equal(10, Lines((await _fstore.RunAsync("plan", "--json")).Output).Length);
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

    [Fact]
    public async Task Apply_ManyProcessesOnOneRegistry_LosesNothingThatWasAcknowledged()
    {
        const int Processes = 12;
        var runs = Enumerable.Range(0, Processes).Select(async i =>
        {
            var folder = Path.Combine(_fstore.Repo, $"repo{i}");
            Directory.CreateDirectory(Path.Combine(folder, "features"));
            await File.WriteAllTextAsync(Path.Combine(folder, "feature_store.yaml"), $"project: p{i}\nregistry: {_fstore.Repo}/shared.db\n");
            await File.WriteAllTextAsync(Path.Combine(folder, "features", "a.yaml"), "entities: [{name: user, value_type: String}]\n");
            return (Project: $"p{i}", Result: await _fstore.RunAsync("-c", folder, "apply"));
        });
        var landed = (await Task.WhenAll(runs)).Where(r => r.Result.Code == 0).Select(r => r.Project).Order(StringComparer.Ordinal).ToArray();
        Assert.NotEmpty(landed);
        var listed = await _fstore.RunAsync("-c", Path.Combine(_fstore.Repo, "repo0"), "projects", "list", "--json");
        Assert.Equal(landed, Lines(listed.Output).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("name").GetString()));
    }

    [Fact]
    public async Task Apply_ViewGone_DropsItsTableAndNoOther()
    {
        Assert.Equal(0, (await _fstore.RunAsync("apply")).Code);
        var store = new SqliteOnlineStore(Path.Combine(_fstore.Repo, "data", "online.db"));
        OnlineTable[] tables = [new("bank_features", "user_transactions_l1w", ["num_transactions_l1w"]), new("bank_features", "user_demographics", ["age"])];
        foreach (var table in tables)
        {
            await store.WriteAsync(table, [new EncodedRow([1], 0, null, [[0x20, 0x01]])], OnlineWriteRule.NewerWins, CancellationToken.None);
        }

        await RemoveDemographicsAsync();
        Assert.Equal((1, string.Empty), Short(await _fstore.RunAsync("apply", "--if-revision", "another", "--json")));
        Assert.NotNull((await store.ReadAsync([tables[1]], [[1]], CancellationToken.None))[0][0].EventTimeMicros);
        var applied = await _fstore.RunAsync("apply", "--json");
        Assert.True(applied.Code == 0, applied.Error);
        Assert.Contains("drop_online_rows", applied.Output, StringComparison.Ordinal);
        Assert.NotNull((await store.ReadAsync([tables[0]], [[1]], CancellationToken.None))[0][0].EventTimeMicros);
        await Assert.ThrowsAsync<OnlineStoreException>(() => store.ReadAsync([tables[1]], [[1]], CancellationToken.None));
    }

    [SkippableFact]
    public async Task Apply_ViewGoneFromRedis_DropsItsFieldsByTheLakesKeys()
    {
        RedisServer.Need();
        await using var server = await RedisServer.StartAsync();
        var config = Path.Combine(_fstore.Repo, "feature_store.yaml");
        var text = (await File.ReadAllTextAsync(config)).Replace("  type: sqlite\n  path: data/online.db\n", $"  type: redis\n  connection_string: {server.Address}\n", StringComparison.Ordinal);
        await File.WriteAllTextAsync(config, text);
        Assert.Equal(0, (await _fstore.RunAsync("demo")).Code);
        var (demographics, weekly) = (await CountAsync(server.Port, "_ts:user_demographics"), await CountAsync(server.Port, "_ts:user_transactions_l1w"));
        Assert.True(demographics > 0 && weekly > 0);

        await RemoveDemographicsAsync();
        var applied = await _fstore.RunAsync("apply");
        Assert.True(applied.Code == 0, applied.Error);
        Assert.Equal((0, weekly), (await CountAsync(server.Port, "_ts:user_demographics"), await CountAsync(server.Port, "_ts:user_transactions_l1w")));
    }

    /// <summary>How many keys have a field, counted by the server itself.</summary>
    private static async Task<int> CountAsync(int port, string field)
    {
        const string Script = "local n = 0 for _, k in ipairs(redis.call('KEYS', '*')) do n = n + redis.call('HEXISTS', k, ARGV[1]) end return n";
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"EVAL \"{Script}\" 0 {field}\r\n"));
        using var reader = new StreamReader(stream);
        var line = await reader.ReadLineAsync();
        return line is [':', .. var number] ? int.Parse(number, CultureInfo.InvariantCulture) : throw new InvalidOperationException(line);
    }

    private async Task RemoveDemographicsAsync()
    {
        var path = Path.Combine(_fstore.Repo, "features", "bank.yaml");
        var text = await File.ReadAllTextAsync(path);
        var from = text.IndexOf("  - name: user_demographics\n", StringComparison.Ordinal);
        var services = text[text.IndexOf("feature_services:", StringComparison.Ordinal)..].Replace("      - user_demographics\n", string.Empty, StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, text[..from] + services);
    }

    private static (int Code, string Output) Short((int Code, string Output, string Error) result) => (result.Code, result.Output);

    private static string[] Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
