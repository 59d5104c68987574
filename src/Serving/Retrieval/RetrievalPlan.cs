using FeatureStore.Contract.Keys;
using FeatureStore.OnlineStore;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Serving.Retrieval;

/// <summary>A list of the request that takes part: the name it is answered under, and its type where a view declares one.</summary>
/// <param name="IsHidden">The key of views without entities, which is never answered.</param>
internal sealed record RequestColumn(string AnswerName, Kind Type, bool IsHidden)
{
    /// <summary>A value for on-demand views: it may be null, and is not answered.</summary>
    public bool IsRequestData { get; init; }
}

/// <summary>One feature column of the answer, and where it lies among what is read.</summary>
/// <param name="TtlMillis">Largest age in milliseconds; negative for none.</param>
internal sealed record PlannedFeature(FeatureViewModel View, string Name, string FullName, int Group, int Table, int Feature, long TtlMillis);

/// <summary>Views with the same join keys under the same request names, read together.</summary>
/// <param name="RequestNames">The request's name of each join key, in the template's order.</param>
internal sealed record PlannedGroup(IReadOnlyList<OnlineTable> Tables, IReadOnlyList<string> JoinKeys, IReadOnlyList<string> RequestNames, EntityKeyTemplate Keys);

/// <summary>
/// What a feature service or a list of references means under one snapshot, decided once and then run many times.
/// Immutable.
/// </summary>
public sealed class RetrievalPlan
{
    /// <summary>The join key of views without entities, as Feast names it.</summary>
    internal const string DummyKey = "__dummy_id";

    private readonly IReadOnlyDictionary<string, RequestColumn> _requestColumns;
    private readonly RetrievalException? _shortCollision;
    private readonly RetrievalException? _fullCollision;

    internal RetrievalPlan(
        RegistrySnapshot snapshot,
        IReadOnlyList<PlannedGroup> groups,
        IReadOnlyList<PlannedFeature> features,
        IReadOnlyDictionary<string, RequestColumn> requestColumns,
        IReadOnlyList<PlannedFeature>? hidden = null,
        IReadOnlyList<PlannedExpressions>? onDemand = null)
    {
        Snapshot = snapshot;
        Groups = groups;
        Features = features;
        _requestColumns = requestColumns;
        OnDemand = onDemand ?? [];
        Reads = hidden is null ? features : [.. features, .. hidden];
        var made = OnDemand.SelectMany(v => v.Features).ToArray();
        Width = Reads.Count + made.Length;
        Views = [.. features.Select(f => f.View).Distinct()];
        _shortCollision = Collision(features.Select(f => f.Name).Concat(made.Select(f => f.Name)), "ask with full_feature_names to tell them apart");
        _fullCollision = Collision(features.Select(f => f.FullName).Concat(made.Select(f => f.FullName)), "name each once, or give one of the views an alias");
    }

    /// <summary>The snapshot that the plan was made from.</summary>
    public RegistrySnapshot Snapshot { get; }

    /// <summary>Set where stored vectors answer instead of the views.</summary>
    internal PrecomputedService? Precomputed { get; init; }

    internal IReadOnlyList<PlannedGroup> Groups { get; }

    /// <summary>The features that are answered as they are read.</summary>
    internal IReadOnlyList<PlannedFeature> Features { get; }

    /// <summary>Every feature that is read: those that are answered, then those for on-demand views alone.</summary>
    internal IReadOnlyList<PlannedFeature> Reads { get; }

    /// <summary>What is made after the read.</summary>
    internal IReadOnlyList<PlannedExpressions> OnDemand { get; }

    /// <summary>Fields that the request must bring for on-demand views.</summary>
    internal IReadOnlyList<string> RequestFields { get; init; } = [];

    /// <summary>Features that are read or made, which the limits count.</summary>
    internal int Width { get; }

    internal IReadOnlyList<FeatureViewModel> Views { get; }

    /// <summary>Type of an entity list's values; null for a list that no view of the project takes.</summary>
    public Kind? EntityType(string requestName) => Column(requestName)?.Type;

    /// <summary>Type of a value that the request brings for on-demand views; null for any other name.</summary>
    public Kind? RequestType(string name) => Column(name) is { IsRequestData: true } column ? column.Type : null;

    /// <summary>What a list of the request is to this plan; null for one that Feast would ignore.</summary>
    internal RequestColumn? Column(string requestName) => _requestColumns.GetValueOrDefault(requestName);

    /// <exception cref="RetrievalException">Two columns would have one name.</exception>
    internal void CheckNames(bool fullFeatureNames)
    {
        if ((fullFeatureNames ? _fullCollision : _shortCollision) is { } collision)
        {
            throw new RetrievalException(collision.Fault, collision.Message);
        }
    }

    private static RetrievalException? Collision(IEnumerable<string> names, string wayOut)
    {
        var twice = names.GroupBy(n => n).Where(g => g.Count() > 1).Select(g => g.Key).ToArray();
        return twice.Length == 0
            ? null
            : new RetrievalException(RetrievalFault.NameCollision, $"The answer would have {string.Join(", ", twice)} more than once; {wayOut}.");
    }
}
