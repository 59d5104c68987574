using FeatureViewState = Feast.Core.FeatureViewState;
using ValueType = Feast.Types.ValueType;

namespace FeatureStore.Registry.Snapshot;

/// <summary>A named, typed column.</summary>
public sealed record FieldModel(string Name, ValueType.Types.Enum Type);

/// <summary>Where a view's rows lie: the table's path (relative to the lake or absolute), its time columns, and source-to-feature names.</summary>
public sealed record SourceModel(
    string Name,
    string Path,
    string TimestampField,
    string? CreatedTimestampColumn,
    IReadOnlyDictionary<string, string> FieldMapping);

/// <summary>One aggregation over the rows in the window; <see cref="Function"/> is count, sum, mean, min, max or count_distinct.</summary>
public sealed record AggregationModel(string Name, string Function, string Column);

/// <summary>What an aggregated view computes: the change table it reads, and the windows' functions.</summary>
/// <param name="SourcePath">The change table, for instance <c>cdc/transactions</c>.</param>
/// <param name="EventTimeColumn">The column of the row that decides membership.</param>
/// <param name="Window">Length of the window that ends, exclusively, at the feature time.</param>
/// <param name="EmptyWindowZero">True writes a zero row for a user with history and an empty window; false skips it.</param>
public sealed record AggregatedModel(
    string SourcePath,
    string EventTimeColumn,
    TimeSpan Window,
    bool EmptyWindowZero,
    IReadOnlyList<AggregationModel> Aggregations);

/// <summary>A feature view, compiled. <see cref="Ttl"/> of zero means that rows do not age.</summary>
public sealed record FeatureViewModel(
    string Name,
    IReadOnlyList<FieldModel> JoinKeys,
    IReadOnlyList<FieldModel> Features,
    TimeSpan Ttl,
    bool Online,
    SourceModel Source,
    AggregatedModel? Aggregated)
{
    /// <summary>Set by Feast while it writes the view; 0 where it does not track states.</summary>
    public FeatureViewState State { get; init; }

    /// <summary>Switched off by <c>feast feature-views disable</c>.</summary>
    public bool Disabled { get; init; }

    /// <summary>Feast's number of the active version, 0 for the first.</summary>
    public int VersionNumber { get; init; }

    /// <summary>Name of the push or stream source that feeds the view; null without one.</summary>
    public string? StreamSource { get; init; }
}

/// <summary>One view's part in a feature service, under its alias if it has one.</summary>
/// <param name="JoinKeyMap">Join key of the view to the name requests use.</param>
public sealed record ProjectionModel(
    string ViewName, string NameToUse, IReadOnlyList<string> Features, IReadOnlyDictionary<string, string> JoinKeyMap);

/// <summary>A feature service: projections in registry order.</summary>
public sealed record FeatureServiceModel(string Name, IReadOnlyList<ProjectionModel> Projections);

/// <summary>The registry of one project at one revision, immutable; a request or a job uses one from start to end.</summary>
/// <param name="EntityKeyVersion">2 or 3, from <c>entity_key_serialization_version</c>.</param>
public sealed record RegistrySnapshot(
    string Project,
    int EntityKeyVersion,
    IReadOnlyDictionary<string, FeatureViewModel> FeatureViews,
    IReadOnlyDictionary<string, FeatureServiceModel> FeatureServices)
{
    /// <summary>Join key of each entity of the project, by the entity's name.</summary>
    public IReadOnlyDictionary<string, string> EntityJoinKeys { get; init; } = new Dictionary<string, string>();
}
