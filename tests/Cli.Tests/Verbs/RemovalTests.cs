using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Feast.Core;
using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.OnlineStore;
using FeatureStore.OnlineStore.Redis;
using FeatureStore.Tests.Servers;
using Google.Protobuf;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Cli.Tests.Verbs;

/// <summary>What a removed view, version or service leaves in the online store: nothing, though nobody looked at every key.</summary>
public sealed partial class RemovalTests : IDisposable
{
    private const string Sources =
        """
        entities: [{name: user, join_keys: [user_id], value_type: STRING}]
        sources:
          - {name: devices, path: pushed/devices, timestamp_field: seen}
          - {name: plans, path: pushed/plans, timestamp_field: seen}
        push_sources: [{name: devices_push, batch_source: devices}]

        """;

    private const string Plans = "  - {name: plans, entities: [user], source: plans, schema: [{name: plan, dtype: String}]}\n";
    private const string Devices = "  - {name: devices, entities: [user], source: devices_push, schema: [{name: device, dtype: String}]}\n";
    private const string Both = "  - {name: both, features: [plans, devices], precompute_online: true}\n";
    private const string PlansAlone = "  - {name: both, features: [plans], precompute_online: true}\n";

    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [SkippableFact]
    public async Task Apply_ViewGoneThatWasOnlyPushed_LeavesNoRowAndItsSisterWhole()
    {
        await using var server = await StartAsync();
        await ApplyAsync(Plans + Devices, string.Empty);
        await PushAsync();
        Assert.Equal((5, 2), (await CountAsync(server, "_ts:devices"), await CountAsync(server, "_ts:plans")));

        // A removal that was killed half-way: some rows are gone, some of those are still on record.
        await using var store = new RedisOnlineStore(new RedisOnlineStoreOptions(server.Address, RedisDeployment.Redis, "mymaster", null, false), TimeProvider.System);
        var table = new OnlineTable("bank_features", "devices", ["device"]);
        await store.RemoveRowsAsync([table], [Key("u1"), Key("u2")], CancellationToken.None);
        await store.ForgetKeysAsync(table, [Key("u1")], CancellationToken.None);

        await ApplyAsync(Plans, string.Empty);
        Assert.Equal((0, 2), (await CountAsync(server, "_ts:devices"), await CountAsync(server, "_ts:plans")));
        Assert.Equal(0, await KeysAsync(server, "fstore:pushed:bank_features:devices:*"));
        Assert.NotEqual(0, await KeysAsync(server, "fstore:pushed:bank_features:plans:*"));

        await ApplyAsync(Devices, string.Empty);
        Assert.Equal(0, await KeysAsync(server, "*"));
    }

    [SkippableFact]
    public async Task Apply_RowOfAForeignWriter_IsFoundByAFullScanAlone()
    {
        await using var server = await StartAsync();
        await ApplyAsync(Plans + Devices, string.Empty);
        await WriteAsync(server, "devices", ["device"], "foreign");
        await ApplyAsync(Plans, string.Empty);
        Assert.Equal(1, await CountAsync(server, "_ts:devices"));

        await ApplyAsync(Plans + Devices, string.Empty);
        var config = Path.Combine(_fstore.Repo, "feature_store.yaml");
        var text = await File.ReadAllTextAsync(config);
        await File.WriteAllTextAsync(config, text.Replace("  type: redis\n", "  type: redis\n  full_scan_for_deletion: false\n", StringComparison.Ordinal));
        Define(Plans, string.Empty);
        var refused = await _fstore.RunAsync("apply", "--full-scan");
        Assert.Equal(2, refused.Code);
        Assert.Contains("full_scan_for_deletion", refused.Error, StringComparison.Ordinal);
        await File.WriteAllTextAsync(config, text);
        Assert.Equal(0, (await _fstore.RunAsync("apply", "--full-scan")).Code);
        Assert.Equal(0, await CountAsync(server, "_ts:devices"));
    }

    [SkippableFact]
    public async Task Apply_ServiceGone_LeavesNoVector()
    {
        await using var server = await StartAsync();
        await ApplyAsync(Plans + Devices, Both);
        await PushAsync();
        foreach (var user in new[] { "u1", "u2" })
        {
            await WriteAsync(server, "__precomputed__both", ["vector"], user);
        }

        Assert.Equal(2, await CountAsync(server, "_ts:__precomputed__both"));
        Define(Plans + Devices, string.Empty);
        var plan = await _fstore.RunAsync("plan", "--json");
        Assert.Contains("drop_online_rows", plan.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await _fstore.RunAsync("apply")).Code);
        Assert.Equal((0, 5, 2), (await CountAsync(server, "_ts:__precomputed__both"), await CountAsync(server, "_ts:devices"), await CountAsync(server, "_ts:plans")));

        // The service and one of its views in one go.
        await ApplyAsync(Plans + Devices, Both);
        await WriteAsync(server, "__precomputed__both", ["vector"], "u5");
        await ApplyAsync(Plans, PlansAlone.Replace("both", "other", StringComparison.Ordinal));
        Assert.Equal((0, 0), (await CountAsync(server, "_ts:__precomputed__both"), await CountAsync(server, "_ts:devices")));
    }

    [SkippableFact]
    public async Task Apply_VersionedViewGone_LeavesNoRowOfAnyVersion()
    {
        await using var server = await StartAsync();
        await ApplyAsync(Plans + Devices, string.Empty);
        await PushAsync();
        AddVersions();
        foreach (var name in new[] { "devices_v1", "devices_v2" })
        {
            await WriteAsync(server, name, ["device", "model"], "u1");
        }

        await ApplyAsync(Plans, string.Empty);
        Assert.Equal(
            (0, 0, 0, 2),
            (await CountAsync(server, "_ts:devices"), await CountAsync(server, "_ts:devices_v1"), await CountAsync(server, "_ts:devices_v2"), await CountAsync(server, "_ts:plans")));
    }

    [SkippableFact]
    public async Task TeardownAndFreshDemo_OnASharedRedis_TakeThisProjectAlone()
    {
        await using var server = await StartAsync();
        await WriteAsync(server, "devices", ["device"], "u1", "x_bank_features");
        await ApplyAsync(Plans + Devices, Both);
        await PushAsync();
        AddVersions();
        await WriteAsync(server, "devices_v1", ["device"], "u1");
        await WriteAsync(server, "__precomputed__both", ["vector"], "u1");
        Assert.Equal(0, (await _fstore.RunAsync("teardown")).Code);
        Assert.Equal(1, await KeysAsync(server, "*"));

        Directory.Delete(Path.Combine(_fstore.Repo, "features"), recursive: true);
        CopyBank();
        await WriteAsync(server, "user_demographics", ["age"], "left over");
        Assert.Equal(0, (await _fstore.RunAsync("apply")).Code);
        Assert.Equal(0, (await _fstore.RunAsync("demo", "--fresh")).Code);
        Assert.NotEqual(1, await KeysAsync(server, "*"));
        Assert.Equal(0, await KeysAsync(server, "*left over*"));
        Assert.Equal(1, await KeysAsync(server, "*x_bank_features"));
    }

    private async Task<RedisServer> StartAsync()
    {
        RedisServer.Need();
        var server = await RedisServer.StartAsync();
        var config = Path.Combine(_fstore.Repo, "feature_store.yaml");
        var text = (await File.ReadAllTextAsync(config)).Replace("  type: sqlite\n  path: data/online.db\n", $"  type: redis\n  connection_string: {server.Address}\n", StringComparison.Ordinal);
        await File.WriteAllTextAsync(config, text);
        return server;
    }

    private void CopyBank()
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "repo", "features")))
        {
            Directory.CreateDirectory(Path.Combine(_fstore.Repo, "features"));
            File.Copy(file, Path.Combine(_fstore.Repo, "features", Path.GetFileName(file)));
        }
    }

    private void Define(string views, string services)
    {
        var folder = Path.Combine(_fstore.Repo, "features");
        Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        File.WriteAllText(
            Path.Combine(folder, "all.yaml"),
            $"{Sources}feature_views:\n{views}{(services.Length > 0 ? $"feature_services:\n{services}" : string.Empty)}");
    }

    private async Task ApplyAsync(string views, string services)
    {
        Define(views, services);
        var (code, _, error) = await _fstore.RunAsync("apply");
        Assert.True(code == 0, error);
    }

    /// <summary>Five users' devices by push, two users' plans by a direct write.</summary>
    private async Task PushAsync()
    {
        using var server = _fstore.Start("serve", "--grpc-port", "0", "--http-port", "0");
        try
        {
            var line = await server.StandardOutput.ReadLineAsync();
            using var http = new HttpClient { BaseAddress = new Uri($"http://{Target().Matches(line ?? string.Empty)[^1].Value}") };
            string[] users = ["u1", "u2", "u3", "u4", "u5"];
            object devices = new { user_id = users, seen = users.Select(_ => "2026-11-01T00:00:00Z"), device = users };
            object plans = new { user_id = users[..2], seen = users[..2].Select(_ => "2026-11-01T00:00:00Z"), plan = users[..2] };
            Assert.Equal(HttpStatusCode.OK, (await http.PostAsJsonAsync("push", new { push_source_name = "devices_push", df = devices })).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await http.PostAsJsonAsync("write-to-online-store", new { feature_view_name = "plans", df = plans })).StatusCode);
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    /// <summary>As if Feast had kept two versions before the present one.</summary>
    private void AddVersions()
    {
        var path = Path.Combine(_fstore.Repo, "data", "registry.db");
        var registry = RegistryProto.Parser.ParseFrom(File.ReadAllBytes(path));
        var view = registry.FeatureViews.Single(v => v.Spec.Name == "devices");
        registry.FeatureViewVersionHistory ??= new FeatureViewVersionHistory();
        for (var version = 0; version < 3; version++)
        {
            var old = view.Clone();
            old.Spec.Features.Add(new FeatureSpecV2 { Name = "model", ValueType = Feast.Types.ValueType.Types.Enum.String });
            var record = new FeatureViewVersionRecord { FeatureViewName = "devices", ProjectId = "bank_features", VersionNumber = version, FeatureViewType = "feature_view" };
            record.FeatureViewProto = old.ToByteString();
            registry.FeatureViewVersionHistory.Records.Add(record);
        }

        File.WriteAllBytes(path, registry.ToByteArray());
    }

    private static byte[] Key(string user) => EntityKeyEncoder.Encode([("user_id", new Value { StringVal = user })], 3);

    private static async Task WriteAsync(RedisServer server, string view, string[] features, string user, string project = "bank_features")
    {
        await using var store = new RedisOnlineStore(new RedisOnlineStoreOptions(server.Address, RedisDeployment.Redis, "mymaster", null, false), TimeProvider.System);
        await store.WriteAsync(
            new OnlineTable(project, view, features), [new EncodedRow(Key(user), 5, null, [.. features.Select(_ => new byte[] { 0x12, 0x01, 0x61 })])], OnlineWriteRule.NewerWins, CancellationToken.None);
    }

    /// <summary>How many keys have a field, counted by the server itself.</summary>
    private static Task<int> CountAsync(RedisServer server, string field) =>
        EvaluateAsync(server, "local n = 0 for _, k in ipairs(redis.call('KEYS', '*')) do n = n + redis.call('HEXISTS', k, ARGV[1]) end return n", field);

    private static Task<int> KeysAsync(RedisServer server, string pattern) => EvaluateAsync(server, "return #redis.call('KEYS', ARGV[1])", pattern);

    private static async Task<int> EvaluateAsync(RedisServer server, string script, string argument)
    {
        var line = (await server.SendAsync($"EVAL \"{script}\" 0 \"{argument}\"", CancellationToken.None)).Trim();
        return line is [':', .. var number] ? int.Parse(number, CultureInfo.InvariantCulture) : throw new InvalidOperationException(line);
    }

    [GeneratedRegex(@"127\.0\.0\.1:[0-9]+")]
    private static partial Regex Target();
}
