using Feast.Core;
using Feast.Serving;
using FeatureStore.OnlineStore.Sqlite;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Retrieval;
using FeatureStore.Serving.Writing;
using Google.Protobuf;
using Microsoft.Data.Sqlite;
using Kind = Feast.Types.ValueType.Types.Enum;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Serving.Tests.Retrieval;

/// <summary>A view in its third version, read by version: rows of each version lie apart, the first under the bare name.</summary>
public sealed class ViewVersionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("versions").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Read_ByVersion_FindsEachVersionsRowsWithTheSchemaItHad()
    {
        var path = Path.Combine(_folder, "online.db");
        await using var store = new SqliteOnlineStore(path);
        var time = new FixedTime { Now = new DateTimeOffset(2026, 11, 24, 0, 0, 0, TimeSpan.Zero) };
        var active = Snapshot(enabled: true, activeVersion: 2);

        // Each version is written while it is the active one.
        await PushAsync(store, time, Snapshot(enabled: true, activeVersion: 0), ("count", 10L));
        await PushAsync(store, time, active, ("count", 12L), ("extra", 7L));
        Assert.Equal(["p_v", "p_v_v2"], Tables(path));

        var runtime = new ServingRuntime(active, store, time, new RetrievalLimits());
        Assert.Equal(["v__count=12", "v__extra=7"], await AskAsync(runtime, runtime.Plans.References(["v:count", "v@latest:extra"])));
        Assert.Equal(
            ["v@v0__count=10", "v@v2__extra=7", "v__count=12"],
            await AskAsync(runtime, runtime.Plans.References(["v@v0:count", "v@v2:extra", "v:count"])));
        Assert.Equal(["v@v0__count=10"], await AskAsync(runtime, runtime.Plans.Service("pinned")));
        Assert.Equal("count", (await ReadAsync(runtime, runtime.Plans.References(["v@v0:count"]), full: false)).Features[0].Name);
    }

    [Theory]
    [InlineData(true, "v@v0:extra", RetrievalFault.FeatureNotFound)]
    [InlineData(true, "v@v9:count", RetrievalFault.ViewNotFound)]
    [InlineData(true, "nope@v1:count", RetrievalFault.ViewNotFound)]
    [InlineData(true, "v@w1:count", RetrievalFault.Invalid)]
    [InlineData(false, "v@v0:count", RetrievalFault.Invalid)]
    [InlineData(false, "v@v2:count", RetrievalFault.Invalid)]
    public void Plan_VersionThatCannotBeRead_IsRefusedByName(bool enabled, string reference, RetrievalFault fault)
    {
        var thrown = Assert.Throws<RetrievalException>(() => new PlanCompiler(Snapshot(enabled, 2), StatusPolicy.Strict).References([reference]));
        Assert.Equal(fault, thrown.Fault);
        Assert.Contains(reference, thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_ServicePinnedWhereVersionsAreNotEnabled_IsRefused() =>
        Assert.Contains("v@v0", Assert.Throws<RetrievalException>(() => new PlanCompiler(Snapshot(false, 2), StatusPolicy.Strict).Service("pinned")).Message, StringComparison.Ordinal);

    [Fact]
    public void Compile_NotEnabled_KeepsTheBareName()
    {
        var snapshot = Snapshot(enabled: false, activeVersion: 2);
        Assert.Equal("v", snapshot.FeatureViews["v"].OnlineName);
        Assert.Empty(snapshot.FeatureViewVersions);
    }

    [Fact]
    public void Compile_BrokenHistory_ServesThePresent()
    {
        var snapshot = Snapshot(enabled: true, activeVersion: 2, r => r.FeatureViewVersionHistory.Records.Add(
            new FeatureViewVersionRecord { FeatureViewName = "v", ProjectId = "p", VersionNumber = 1, FeatureViewType = "feature_view", FeatureViewProto = ByteString.CopyFrom(0xff, 1) }));
        Assert.Equal([0, 2], snapshot.FeatureViewVersions.Keys.Select(k => k.Version).Order());
    }

    private static string[] Tables(string path)
    {
        using var connection = new SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "select name from sqlite_master where type = 'table' order by name";
        using var reader = command.ExecuteReader();
        var names = new List<string>();
        while (reader.Read())
        {
            names.Add(reader.GetString(0));
        }

        return [.. names];
    }

    private static Task PushAsync(SqliteOnlineStore store, FixedTime time, RegistrySnapshot snapshot, params (string Name, object Value)[] features)
    {
        var columns = new PushedColumns([
            new("user_id", ["u1"]), new("event_timestamp", ["2026-11-23T00:00:00Z"]), .. features.Select(f => KeyValuePair.Create(f.Name, (IReadOnlyList<object?>)[f.Value]))]);
        return new OnlineWriter(store, StatusPolicy.Strict, time).WriteAsync(snapshot, snapshot.FeatureViews["v"], columns, CancellationToken.None);
    }

    private static Task<OnlineFeatures> ReadAsync(ServingRuntime runtime, RetrievalPlan plan, bool full) =>
        runtime.Reader.ReadAsync(plan, [new EntityColumn("user_id", [ServedBank.Text("u1")])], full, CancellationToken.None);

    private static async Task<string[]> AskAsync(ServingRuntime runtime, RetrievalPlan plan)
    {
        var answer = await ReadAsync(runtime, plan, full: true);
        Assert.All(answer.Features, f => Assert.Equal([FieldStatus.Present], f.Statuses));
        return [.. answer.Features.Select(f => $"{f.Name}={Feast.Types.Value.Parser.ParseFrom(f.Value(0).ToArray()).Int64Val}").Order(StringComparer.Ordinal)];
    }

    private RegistrySnapshot Snapshot(bool enabled, int activeVersion, Action<RegistryProto>? change = null)
    {
        var yaml = Path.Combine(_folder, RepoConfig.FileName);
        File.WriteAllText(yaml, $"project: p\nregistry:\n  path: registry.db\n  enable_online_feature_view_versioning: {(enabled ? "true" : "false")}\nprovider: local\nentity_key_serialization_version: 3\n");
        var registry = new RegistryProto { FeatureViewVersionHistory = new FeatureViewVersionHistory() };
        registry.Entities.Add(new Entity { Spec = new EntitySpecV2 { Name = "user", Project = "p", JoinKey = "user_id", ValueType = Kind.String } });
        foreach (var version in new[] { 0, 2 })
        {
            registry.FeatureViewVersionHistory.Records.Add(new FeatureViewVersionRecord
            {
                FeatureViewName = "v",
                ProjectId = "p",
                VersionNumber = version,
                FeatureViewType = "feature_view",
                FeatureViewProto = View(version).ToByteString(),
            });
        }

        registry.FeatureViews.Add(View(activeVersion));
        registry.FeatureServices.Add(new FeatureService
        {
            Spec = new FeatureServiceSpec
            {
                Name = "pinned",
                Project = "p",
                Features = { new FeatureViewProjection { FeatureViewName = "v", VersionTag = 0, FeatureColumns = { Feature("count", Kind.Int64) } } },
            },
        });
        change?.Invoke(registry);
        return SnapshotCompiler.Compile(registry, RepoConfig.Load(yaml));
    }

    private static FeatureView View(int version)
    {
        var view = new FeatureView
        {
            Spec = new FeatureViewSpec
            {
                Name = "v",
                Project = "p",
                Entities = { "user" },
                EntityColumns = { Feature("user_id", Kind.String) },
                Features = { Feature("count", Kind.Int64) },
                BatchSource = new DataSource { Name = "s", TimestampField = "event_timestamp" },
                Online = true,
            },
            Meta = new FeatureViewMeta { CurrentVersionNumber = version },
        };
        if (version == 2)
        {
            view.Spec.Features.Add(Feature("extra", Kind.Int64));
        }

        return view;
    }

    private static FeatureSpecV2 Feature(string name, Kind type) => new() { Name = name, ValueType = type };
}
