using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>What occurs in a change table beyond plain changes of keyed rows; what does not occur needs no work.</summary>
/// <param name="Unavailable">Rows whose unavailable columns take the value of the version before.</param>
/// <param name="Incremental">Rows of incremental snapshots, which rank by commits.</param>
/// <param name="Keyless">Rows without a key, which are told by their values.</param>
internal sealed record ChangeTraits(bool Unavailable, bool Incremental, bool Keyless)
{
    /// <summary>Looks at the files; statistics of Parquet answer nearly all of it.</summary>
    /// <param name="changes">FROM terms of the table.</param>
    public static ChangeTraits Of(DuckDbConnection connection, IReadOnlyList<string> changes, CancellationToken cancellationToken)
    {
        bool Any(string condition) => changes.Any(from => IsAny(connection, from, condition, cancellationToken));
        return new ChangeTraits(
            Any($"{ChangeColumns.Unavailable} IS NOT NULL"),
            Any($"{ChangeColumns.Part} = {ChangeColumns.IncrementalPart}"),
            Any($"{ChangeColumns.Part} <= {ChangeColumns.KeylessPart(0)}"));
    }

    public static bool IsAny(DuckDbConnection connection, string from, string condition, CancellationToken cancellationToken)
    {
        using var reader = connection.Query($"SELECT 1 FROM {from} WHERE {condition} LIMIT 1", cancellationToken);
        return reader.NextChunk();
    }
}
