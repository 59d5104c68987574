using Feast.Core;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore;
using Google.Protobuf.WellKnownTypes;
using Kind = Feast.Types.ValueType.Types.Enum;
using RegistryProto = Feast.Core.Registry;
using Value = Feast.Types.Value;

namespace FeatureStore.Serving.Tests.Replay;

/// <summary>The definitions and rows beside the bank example that Feast's Go and Java servers were recorded with (<c>defs</c> in their files).</summary>
internal static class OtherServersDefinitions
{
    private const string Project = "bank_features";

    /// <summary>When the rows were written; the requests came some seconds after it.</summary>
    public static readonly DateTimeOffset Written = new(2026, 11, 22, 22, 53, 54, TimeSpan.Zero);

    public static void ApplyAll(RegistryProto registry)
    {
        registry.Entities.Add(new Entity { Spec = new EntitySpecV2 { Name = "merchant", Project = Project, JoinKey = "merchant_id", ValueType = Kind.Int64 } });
        registry.FeatureViews.Add([
            View("tick", TimeSpan.FromSeconds(3), ["user"], ("n", Kind.Int64), ("s", Kind.String)),
            View("tick_half", TimeSpan.FromSeconds(2.5), ["user"], ("h", Kind.Int64)),
            View("forever", TimeSpan.Zero, ["user"], ("f", Kind.Double)),
            View("edge", TimeSpan.FromDays(1), ["user"], ("e", Kind.Int64)),
            View("pairs", TimeSpan.Zero, ["user", "merchant"], ("spend", Kind.Double))]);
        registry.FeatureServices.Add(new FeatureService
        {
            Spec = new FeatureServiceSpec
            {
                Name = "aliased",
                Project = Project,
                Features =
                {
                    Projection(registry, "user_transactions_l1w", "al", null),
                    Projection(registry, "user_demographics", string.Empty, "age"),
                },
            },
        });
    }

    public static async Task WriteAsync(IOnlineStore store)
    {
        var tooOld = Written.AddDays(-1).AddSeconds(-5);
        await PutAsync(store, "edge", ["e"], [
            Row("e_fresh", Written, ValueBytes.Int64(1)),
            Row("e_minus", Written.AddDays(-1).AddMinutes(5), ValueBytes.Int64(2)),
            Row("e_plus", tooOld, ValueBytes.Int64(3)),
            Row("e_null", Written, ValueBytes.Null)]);
        await PutAsync(store, "forever", ["f"], [
            Row("e_fresh", Written, ValueBytes.Double(1.5)), Row("e_plus", Written.AddDays(-3000), ValueBytes.Double(2.5))]);
        await PutAsync(store, "tick", ["n", "s"], [Row("e_null_old", Written.AddDays(-2), ValueBytes.Int64(5), ValueBytes.Null)]);
        var pair = EntityKeyEncoder.Encode([("user_id", Text("e_fresh")), ("merchant_id", new Value { Int64Val = 7 })], 3);
        await PutAsync(store, "pairs", ["spend"], [new EncodedRow(pair, Micros(Written), null, [ValueBytes.Double(9.5)])]);
    }

    /// <summary>One row of a view of one feature, with the value 1.</summary>
    public static Task PutAsync(IOnlineStore store, string view, string feature, string user, DateTimeOffset time) =>
        PutAsync(store, view, [feature], [Row(user, time, ValueBytes.Int64(1))]);

    private static Task PutAsync(IOnlineStore store, string view, string[] features, EncodedRow[] rows) =>
        store.WriteAsync(new OnlineTable(Project, view, features), rows, OnlineWriteRule.NewerWins, CancellationToken.None);

    private static EncodedRow Row(string user, DateTimeOffset time, params byte[][] values) =>
        new(EntityKeyEncoder.Encode([("user_id", Text(user))], 3), Micros(time), null, values);

    private static Value Text(string text) => new() { StringVal = text };

    private static long Micros(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private static FeatureView View(string name, TimeSpan ttl, string[] entities, params (string Name, Kind Type)[] features) => new()
    {
        Spec = new FeatureViewSpec
        {
            Name = name,
            Project = Project,
            Entities = { entities },
            Features = { features.Select(f => new FeatureSpecV2 { Name = f.Name, ValueType = f.Type }) },
            Ttl = Duration.FromTimeSpan(ttl),
            BatchSource = new DataSource { Name = "tick_src", Type = DataSource.Types.SourceType.BatchFile, TimestampField = "ts" },
            Online = true,
        },
    };

    private static FeatureViewProjection Projection(RegistryProto registry, string view, string alias, string? feature) => new()
    {
        FeatureViewName = view,
        FeatureViewNameAlias = alias,
        FeatureColumns = { registry.FeatureViews.Single(v => v.Spec.Name == view).Spec.Features.Where(f => feature is null || f.Name == feature) },
    };
}
