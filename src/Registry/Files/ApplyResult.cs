namespace FeatureStore.Registry.Files;

/// <summary>
/// What <see cref="RegistryApplier.Apply"/> did, as names with their kind (<c>feature view user_transactions_l1w</c>).
/// </summary>
/// <param name="Written">False when the registry already said the same and was left as it is.</param>
public sealed record ApplyResult(IReadOnlyList<string> Added, IReadOnlyList<string> Changed, IReadOnlyList<string> Removed, bool Written);
