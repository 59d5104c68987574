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
    IReadOnlyDictionary<string, string> FieldMapping)
{
    /// <summary>The table's column that a join key or feature is read from.</summary>
    public string ColumnOf(string field) => FieldMapping.FirstOrDefault(m => m.Value == field).Key ?? field;
}

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

    /// <summary>Versions lie apart in the online store: <c>enable_online_feature_view_versioning</c> of the registry.</summary>
    public bool VersionedOnline { get; init; }

    /// <summary>The name that the view's rows are stored under; the first version keeps the bare name.</summary>
    public string OnlineName => VersionedOnline && VersionNumber > 0 ? $"{Name}_v{VersionNumber}" : Name;

    /// <summary>Name of the push or stream source that feeds the view; null without one.</summary>
    public string? StreamSource { get; init; }

    /// <summary>True for a stream view.</summary>
    public bool IsStream { get; init; }
}

/// <summary>One view's part in a feature service, under its alias if it has one.</summary>
/// <param name="JoinKeyMap">Join key of the view to the name requests use.</param>
public sealed record ProjectionModel(
    string ViewName, string NameToUse, IReadOnlyList<string> Features, IReadOnlyDictionary<string, string> JoinKeyMap)
{
    /// <summary>The version of the view that the service names; null for the active one.</summary>
    public int? VersionTag { get; init; }
}

/// <summary>A feature service: projections in registry order.</summary>
public sealed record FeatureServiceModel(string Name, IReadOnlyList<ProjectionModel> Projections)
{
    /// <summary>The service's vectors are stored ready-made, one per entity.</summary>
    public bool PrecomputeOnline { get; init; }
}

/// <summary>
/// An on-demand view: of expressions, or of a function that is pickled Python, which is never run: only what that stored can be
/// served, and <see cref="Reason"/> says so to whoever asks for the rest.
/// </summary>
/// <param name="Features">What it makes.</param>
/// <param name="RequestFields">The values that a request must bring.</param>
/// <param name="SourceViews">Names of the views it reads.</param>
/// <param name="Stored">The view as its stored rows are read; null unless it writes to the online store.</param>
public sealed record OnDemandFeatureViewModel(
    string Name,
    IReadOnlyList<FieldModel> Features,
    IReadOnlyList<FieldModel> RequestFields,
    IReadOnlyList<string> SourceViews,
    FeatureViewModel? Stored)
{
    /// <summary>How its function is written in Feast: <c>pandas</c>, <c>python</c> or <c>substrait</c>.</summary>
    public string Mode { get; init; } = string.Empty;

    /// <summary>What its expressions are; null for a function of Feast.</summary>
    public ExpressionViewModel? Expressions { get; init; }

    /// <summary>The message for a request that would need the function.</summary>
    public string Reason =>
        $"On-demand feature view '{Name}' is made by {(Mode.Length == 0 ? "a" : $"a {Mode}")} function of Feast, which this server does not run; "
        + "read its inputs and compute it in the client, or set write_to_online_store in Feast and materialize it there.";
}

/// <summary>A push source, and the batch source that keeps what is pushed.</summary>
/// <param name="Views">Names of the views that a push writes.</param>
public sealed record PushSourceModel(string Name, SourceModel Batch, IReadOnlyList<string> Views);

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

    /// <summary>Each kept version of each view; none unless the registry enables reading them online.</summary>
    public IReadOnlyDictionary<(string View, int Version), FeatureViewModel> FeatureViewVersions { get; init; } = new Dictionary<(string, int), FeatureViewModel>();

    /// <summary>On-demand views, of which plans compute those of expressions.</summary>
    public IReadOnlyDictionary<string, OnDemandFeatureViewModel> OnDemandFeatureViews { get; init; } = new Dictionary<string, OnDemandFeatureViewModel>();

    /// <summary>Push sources by name.</summary>
    public IReadOnlyDictionary<string, PushSourceModel> PushSources { get; init; } = new Dictionary<string, PushSourceModel>();

    /// <summary>The registry's <c>version_id</c> that this was compiled from; empty for a registry without one.</summary>
    public string Revision { get; init; } = string.Empty;
}
