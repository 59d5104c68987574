namespace FeatureStore.Registry.Files;

/// <summary>What happens to an object of the registry.</summary>
public enum ChangeKind
{
    Added,
    Changed,
    Removed,
}

/// <summary>Work that a change leaves behind for the stores.</summary>
[Flags]
public enum ChangeCosts
{
    None = 0,

    /// <summary>The windows of an aggregated view have to be computed, anew if it was there.</summary>
    Compute = 1,

    /// <summary>The view's rows have to be materialised, anew if it was there.</summary>
    Materialize = 2,

    /// <summary>The view's online rows, or the service's precomputed vectors, are dropped.</summary>
    DropOnlineRows = 4,
}

/// <summary>One field that differs, by its path in Feast's message (<c>ttl</c>, <c>features.age</c>); null where it is absent.</summary>
public sealed record FieldChange(string Field, string? Before, string? After);

/// <summary>One object that an apply adds, changes or removes.</summary>
/// <param name="Kind">The object's kind in Feast's words, for instance <c>feature view</c>.</param>
/// <param name="Fields">What differs; empty unless the object is changed.</param>
public sealed record PlannedChange(ChangeKind Change, string Kind, string Name, IReadOnlyList<FieldChange> Fields, ChangeCosts Costs)
{
    /// <summary>The kind of a feature service.</summary>
    public const string FeatureService = "feature service";
}
