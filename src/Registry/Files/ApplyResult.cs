namespace FeatureStore.Registry.Files;

/// <summary>The difference between a repo's definitions and its registry.</summary>
/// <param name="Changes">In the order in which objects depend on each other.</param>
/// <param name="Revision">The registry's <c>version_id</c>: the one compared with when planning, the new one after a write; empty when there is no registry.</param>
/// <param name="Written">True if the registry was written; always false for a plan.</param>
public sealed record ApplyResult(IReadOnlyList<PlannedChange> Changes, string Revision, bool Written)
{
    /// <summary>Names with their kind, such as <c>feature view user_transactions_l1w</c>.</summary>
    public IReadOnlyList<string> Added => Names(ChangeKind.Added);

    /// <inheritdoc cref="Added"/>
    public IReadOnlyList<string> Changed => Names(ChangeKind.Changed);

    /// <inheritdoc cref="Added"/>
    public IReadOnlyList<string> Removed => Names(ChangeKind.Removed);

    private string[] Names(ChangeKind change) => [.. Changes.Where(c => c.Change == change).Select(c => $"{c.Kind} {c.Name}")];
}
