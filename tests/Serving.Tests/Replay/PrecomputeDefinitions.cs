using Feast.Core;
using Google.Protobuf.WellKnownTypes;
using Kind = Feast.Types.ValueType.Types.Enum;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Serving.Tests.Replay;

/// <summary>The definitions that <c>feast067_precompute.json</c> was recorded with.</summary>
internal static class PrecomputeDefinitions
{
    public const string Project = "prj";

    public static void ApplyAll(RegistryProto registry)
    {
        registry.Entities.Add(new Entity { Spec = new EntitySpecV2 { Name = "u", Project = Project, JoinKey = "uid", ValueType = Kind.String } });
        var a = View("a", TimeSpan.FromHours(1), ("x", Kind.Int64), ("y", Kind.Double));
        a.Spec.StreamSource = new DataSource { Name = "pa", Type = DataSource.Types.SourceType.PushSource, BatchSource = a.Spec.BatchSource };
        registry.FeatureViews.Add([a, View("b", TimeSpan.Zero, ("z", Kind.String))]);
        registry.FeatureServices.Add([
            Service("svc", true, ("a", "", ["x", "y"]), ("b", "", ["z"])),
            Service("svc_sub", true, ("b", "", ["z"]), ("a", "", ["y"])),
            Service("svc_alias", true, ("a", "aa", ["x", "y"])),
            Service("svc_plain", false, ("a", "", ["x", "y"]), ("b", "", ["z"]))]);
    }

    /// <summary>Those of <c>feast067_precompute_second_set.json</c>, but for the service with an on-demand view, of which nothing is recorded.</summary>
    public static void ApplySecondSet(RegistryProto registry)
    {
        registry.Entities.Add(new Entity { Spec = new EntitySpecV2 { Name = "u", Project = Project, JoinKey = "uid", ValueType = Kind.String } });
        var a = View("a", TimeSpan.FromHours(1), ("x", Kind.Int64));
        a.Spec.StreamSource = new DataSource { Name = "pa", Type = DataSource.Types.SourceType.PushSource, BatchSource = a.Spec.BatchSource };
        registry.FeatureViews.Add([a, View("b", TimeSpan.Zero, ("z", Kind.String))]);
        registry.FeatureServices.Add(Service("svc", true, ("a", "", ["x"]), ("b", "", ["z"])));
    }

    /// <summary>The change of schema that the recording makes.</summary>
    public static void AddFeature(RegistryProto registry)
    {
        var w = new FeatureSpecV2 { Name = "w", ValueType = Kind.Int64 };
        registry.FeatureViews.Single(v => v.Spec.Name == "a").Spec.Features.Add(w);
        foreach (var projection in registry.FeatureServices.Where(s => s.Spec.Project == Project && s.Spec.Name != "svc_sub")
                     .SelectMany(s => s.Spec.Features).Where(p => p.FeatureViewName == "a"))
        {
            projection.FeatureColumns.Add(w);
        }
    }

    private static FeatureView View(string name, TimeSpan ttl, params (string Name, Kind Type)[] features) => new()
    {
        Spec = new FeatureViewSpec
        {
            Name = name,
            Project = Project,
            Entities = { "u" },
            EntityColumns = { new FeatureSpecV2 { Name = "uid", ValueType = Kind.String } },
            Features = { features.Select(f => new FeatureSpecV2 { Name = f.Name, ValueType = f.Type }) },
            Ttl = Duration.FromTimeSpan(ttl),
            BatchSource = new DataSource { Name = "s" + name, Type = DataSource.Types.SourceType.BatchFile, TimestampField = "ts" },
            Online = true,
        },
    };

    private static FeatureService Service(string name, bool precompute, params (string View, string Alias, string[] Features)[] projections) => new()
    {
        Spec = new FeatureServiceSpec
        {
            Name = name,
            Project = Project,
            PrecomputeOnline = precompute,
            Features =
            {
                projections.Select(p => new FeatureViewProjection
                {
                    FeatureViewName = p.View,
                    FeatureViewNameAlias = p.Alias,
                    FeatureColumns = { p.Features.Select(f => new FeatureSpecV2 { Name = f }) },
                }),
            },
        },
    };
}
