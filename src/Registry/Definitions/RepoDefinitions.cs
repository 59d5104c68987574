using FeatureStore.Registry.Snapshot;
using FeatureStore.Registry.Yaml;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Registry.Definitions;

/// <summary>What every definition carries beside its own keys, and where it is written.</summary>
internal sealed record Header(string Name, string Description, string Owner, IReadOnlyDictionary<string, string> Tags, YamlBlock Block);

internal sealed record EntityDefinition(Header Header, string JoinKey, Kind ValueType);

internal sealed record FieldDefinition(string Name, Kind Type, string Description, YamlPlace Place);

/// <summary>A table of files. <see cref="Schema"/> is empty when the definition does not say its columns.</summary>
internal sealed record SourceDefinition(
    Header Header,
    string Path,
    string TimestampField,
    string CreatedTimestampColumn,
    IReadOnlyDictionary<string, string> FieldMapping,
    IReadOnlyList<FieldDefinition> Schema);

/// <summary>Rows that are pushed; <see cref="BatchSource"/> names the source that keeps them.</summary>
internal sealed record PushSourceDefinition(Header Header, string BatchSource);

/// <summary>Values that come with a request.</summary>
internal sealed record RequestSourceDefinition(Header Header, IReadOnlyList<FieldDefinition> Schema);

internal sealed record AggregationDefinition(AggregationModel Model, YamlBlock Block);

/// <summary>The part of a view that computes; <see cref="Source"/> names the change table's source.</summary>
internal sealed record AggregatedDefinition(
    string Source, string EventTime, TimeSpan Window, bool EmptyWindowZero, IReadOnlyList<AggregationDefinition> Aggregations);

/// <summary>A feature view, or a stream view; <see cref="Source"/> names the source that its rows are read from (the output of an aggregated view), or a push source.</summary>
internal sealed record FeatureViewDefinition(
    Header Header,
    IReadOnlyList<(string Text, YamlPlace Place)> Entities,
    TimeSpan Ttl,
    bool Online,
    string Source,
    IReadOnlyList<FieldDefinition> Schema,
    AggregatedDefinition? Aggregated)
{
    /// <summary>The key of the YAML block that names <see cref="Source"/>.</summary>
    public string SourceKey => Aggregated is null ? "source" : "output";
}

/// <summary>A stream view. <see cref="TimestampField"/> is empty for that of its source.</summary>
internal sealed record StreamFeatureViewDefinition(FeatureViewDefinition View, string TimestampField);

/// <summary>One view of a service; no features means all of them.</summary>
/// <param name="Alias">The name it takes in the service; null for its own.</param>
/// <param name="JoinKeyMap">Join key of the view to the name that requests use.</param>
/// <param name="VersionTag">The version of the view; null for the latest.</param>
internal sealed record ServiceItem(
    string View,
    IReadOnlyList<(string Text, YamlPlace Place)>? Features,
    string? Alias,
    IReadOnlyDictionary<string, string> JoinKeyMap,
    int? VersionTag,
    YamlPlace Place)
{
    public string NameToUse => Alias ?? View;
}

internal sealed record FeatureServiceDefinition(Header Header, IReadOnlyList<ServiceItem> Features, bool PrecomputeOnline);

/// <summary>All definitions of a repo, in the order of files and lines. Whoever holds one may rely on its references: it was checked.</summary>
internal sealed record RepoDefinitions(
    IReadOnlyList<EntityDefinition> Entities,
    IReadOnlyList<SourceDefinition> Sources,
    IReadOnlyList<PushSourceDefinition> PushSources,
    IReadOnlyList<RequestSourceDefinition> RequestSources,
    IReadOnlyList<FeatureViewDefinition> FeatureViews,
    IReadOnlyList<StreamFeatureViewDefinition> StreamFeatureViews,
    IReadOnlyList<FeatureServiceDefinition> FeatureServices)
{
    /// <summary>On-demand views of expressions.</summary>
    public IReadOnlyList<OnDemandViewDefinition> OnDemandFeatureViews { get; init; } = [];

    public bool IsEmpty => OnDemandFeatureViews.Count + Entities.Count + Sources.Count + PushSources.Count + RequestSources.Count + FeatureViews.Count + StreamFeatureViews.Count + FeatureServices.Count == 0;

    /// <summary>Feature views and stream views, which share their names.</summary>
    public IEnumerable<FeatureViewDefinition> AllViews => FeatureViews.Concat(StreamFeatureViews.Select(s => s.View));
}
