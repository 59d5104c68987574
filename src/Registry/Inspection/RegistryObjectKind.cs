using System.Globalization;
using Feast.Core;
using FeatureStore.Registry.Files;
using Google.Protobuf;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Inspection;

/// <summary>One kind of object that a registry holds, as Feast's command line names it, and how to list it.</summary>
public sealed class RegistryObjectKind
{
    private readonly Func<RegistryProto, string, IEnumerable<(string Name, IMessage Message, object[] Cells)>> _rows;

    private RegistryObjectKind(
        string noun, string dumpKey, string[] columns, Func<RegistryProto, string, IEnumerable<(string Name, IMessage Message, object[] Cells)>> rows) =>
        (Noun, DumpKey, Columns, _rows) = (noun, dumpKey, columns, rows);

    public static RegistryObjectKind Entities { get; } = new(
        "entities",
        "entities",
        ["name", "description", "type", "join_key"],
        (r, p) => r.Entities.Where(e => e.Spec?.Project == p).Select(e => (e.Spec.Name, (IMessage)e, new object[] { e.Spec.Description, Enum(e.Spec, "value_type"), e.Spec.JoinKey })));

    public static RegistryObjectKind DataSources { get; } = new(
        "data-sources",
        "dataSources",
        ["name", "type", "description"],
        (r, p) => r.DataSources.Where(s => s.Project == p).Select(s => (s.Name, (IMessage)s, new object[] { Enum(s, "type"), s.Description })));

    public static RegistryObjectKind FeatureViews { get; } = new(
        "feature-views",
        "featureViews",
        ["name", "entities", "features", "ttl", "online", "state"],
        (r, p) => r.FeatureViews.Where(v => v.Spec?.Project == p)
            .Select(v => (v.Spec.Name, (IMessage)v, View(v.Spec.Entities, v.Spec.Features, v.Spec.Ttl, v.Spec.Online && !v.Spec.Disabled, v.Meta))));

    public static RegistryObjectKind StreamFeatureViews { get; } = new(
        "stream-feature-views",
        "streamFeatureViews",
        ["name", "entities", "features", "ttl", "online", "state"],
        (r, p) => r.StreamFeatureViews.Where(v => v.Spec?.Project == p)
            .Select(v => (v.Spec.Name, (IMessage)v, View(v.Spec.Entities, v.Spec.Features, v.Spec.Ttl, v.Spec.Online && !v.Spec.Disabled, v.Meta))));

    public static RegistryObjectKind OnDemandFeatureViews { get; } = new(
        "on-demand-feature-views",
        "onDemandFeatureViews",
        ["name", "sources", "features", "mode"],
        (r, p) => r.OnDemandFeatureViews.Where(v => v.Spec?.Project == p)
            .Select(v => (v.Spec.Name, (IMessage)v, new object[] { v.Spec.Sources.Keys.Order(StringComparer.Ordinal).ToArray(), v.Spec.Features.Select(f => f.Name).ToArray(), KeptReferences.CanSay(v) ? "expression" : v.Spec.Mode })));

    public static RegistryObjectKind FeatureServices { get; } = new(
        "feature-services",
        "featureServices",
        ["name", "features", "description"],
        (r, p) => r.FeatureServices.Where(s => s.Spec?.Project == p).Select(s => (s.Spec.Name, (IMessage)s, new object[] { s.Spec.Features.SelectMany(References).ToArray(), s.Spec.Description })));

    /// <summary>Projects are listed whatever project is asked for.</summary>
    public static RegistryObjectKind Projects { get; } = new(
        "projects",
        "projects",
        ["name", "description", "owner"],
        (r, _) => r.Projects.Where(s => s.Spec is not null).Select(s => (s.Spec.Name, (IMessage)s, new object[] { s.Spec.Description, s.Spec.Owner })));

    public static IReadOnlyList<RegistryObjectKind> All { get; } =
        [Projects, Entities, DataSources, FeatureViews, StreamFeatureViews, OnDemandFeatureViews, FeatureServices];

    /// <summary>Feast's noun, for instance <c>feature-views</c>.</summary>
    public string Noun { get; }

    /// <summary>The kind's key in a dump.</summary>
    public string DumpKey { get; }

    /// <summary>Names of the columns that a list shows; the first is the object's name.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>A row of cells (texts, lists of texts, flags) for each object of a project, by name, without the entity that Feast makes for views without one.</summary>
    public IReadOnlyList<IReadOnlyList<object>> List(RegistryProto registry, string project) =>
        [.. Sorted(registry, project).Where(o => o.Name != ObjectFiller.NoEntity).Select(o => (IReadOnlyList<object>)[o.Name, .. o.Cells])];

    /// <summary>The object as JSON in Feast's form, indented if <paramref name="indented"/>; null when there is none of that name.</summary>
    public string? Describe(RegistryProto registry, string project, string name, bool indented) =>
        Sorted(registry, project).FirstOrDefault(o => o.Name == name).Message is { } message ? RegistryJson.Text(RegistryJson.Of(message), indented) : null;

    internal IEnumerable<IMessage> Messages(RegistryProto registry, string project) => Sorted(registry, project).Select(o => o.Message);

    private IOrderedEnumerable<(string Name, IMessage Message, object[] Cells)> Sorted(RegistryProto registry, string project) =>
        _rows(registry, project).OrderBy(o => o.Name, StringComparer.Ordinal);

    private static object[] View(
        IEnumerable<string> entities, IEnumerable<FeatureSpecV2> features, Google.Protobuf.WellKnownTypes.Duration? ttl, bool online, FeatureViewMeta? meta) =>
    [
        entities.Where(e => e != ObjectFiller.NoEntity).ToArray(),
        features.Select(f => f.Name).ToArray(),
        ttl is null or { Seconds: 0, Nanos: 0 } ? string.Empty : JsonFormatter.Default.Format(ttl).Trim('"'),
        online,
        meta is null or { State: FeatureViewState.StateUnspecified } ? string.Empty : Enum(meta, "state"),
    ];

    private static IEnumerable<string> References(FeatureViewProjection projection)
    {
        var view = projection.FeatureViewNameAlias.Length == 0 ? projection.FeatureViewName : projection.FeatureViewNameAlias;
        return projection.FeatureColumns.Select(c => $"{view}:{c.Name}");
    }

    /// <summary>An enum's value by the name that Feast's messages have for it.</summary>
    private static string Enum(IMessage message, string field)
    {
        var descriptor = message.Descriptor.FindFieldByName(field);
        var number = (int)descriptor.Accessor.GetValue(message);
        return descriptor.EnumType.FindValueByNumber(number)?.Name ?? number.ToString(CultureInfo.InvariantCulture);
    }
}
