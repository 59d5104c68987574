using System.Globalization;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake.Log;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake.Tables;

/// <summary>Any Delta table on a folder, ours or another engine's: read as it was at a version or a time, appended to.</summary>
/// <param name="root">The table's folder.</param>
/// <param name="options">Bounds of the engine; the defaults when null.</param>
public sealed class LakeTable(LakePlace root, LakeOptions? options = null, TimeProvider? time = null)
{
    /// <summary>The table's log.</summary>
    public DeltaLog Log { get; } = new(root, time);

    /// <summary>The table at a version, or as it was at a time, or newest where neither is named.</summary>
    /// <exception cref="DeltaException">No table is there, or it cannot be read as asked.</exception>
    public DeltaSnapshot Read(long? version, DateTimeOffset? asOf, CancellationToken cancellationToken) =>
        Log.Read(asOf is { } instant ? Log.VersionAt(instant, cancellationToken) : version, cancellationToken)
            ?? throw new DeltaException($"{root} is no Delta table; it has no log. 'fstore lake tables' lists those that there are.");

    /// <summary>A version's rows as JSON, one object each, in no order.</summary>
    /// <exception cref="DeltaException">A file of the version is gone.</exception>
    public IEnumerable<string> Rows(DeltaSnapshot snapshot, int? limit, CancellationToken cancellationToken)
    {
        using var database = LakeDatabase.Open(options);
        using var connection = LakeDatabase.Connect(database, cancellationToken);
        var from = new TableScan(root, snapshot.Metadata).Sql(snapshot.Files.Values);
        if (limit is { } most)
        {
            from = $"(SELECT * FROM {from} LIMIT {most.ToString(CultureInfo.InvariantCulture)})";
        }

        using var rows = RowJson.Rows(connection, from, cancellationToken).GetEnumerator();
        while (Next(rows, snapshot))
        {
            yield return rows.Current;
        }
    }

    /// <summary>Appends the rows of a relation in one commit.</summary>
    /// <param name="relation">A FROM term with the table's columns; what it is asked may be asked several times.</param>
    /// <returns>The version committed.</returns>
    /// <exception cref="DeltaException">The table's rules forbid it, or it changed meanwhile so that the rows no longer fit.</exception>
    internal long Append(DuckDbConnection connection, string relation, CancellationToken cancellationToken)
    {
        var before = Read(null, null, cancellationToken);
        before.EnsureKnownWriter(root.Address);
        var added = new TableWriter(root, before.Metadata).Write(connection, relation, null, string.Empty, cancellationToken);
        try
        {
            return CommitLoop.Run(Log, before, now => Appending(now!, before.Metadata, added), cancellationToken)!.Value;
        }
        catch (DeltaException)
        {
            new LakeFiles(root).Delete(added);
            throw;
        }
    }

    private DeltaCommit Appending(DeltaSnapshot now, DeltaMetadata written, IReadOnlyList<DeltaFile> added)
    {
        now.EnsureKnownWriter(root.Address);
        return now.Metadata.SchemaString == written.SchemaString && now.Metadata.PartitionColumns.SequenceEqual(written.PartitionColumns)
            ? new DeltaCommit(null, null, null, added, [])
            : throw new DeltaException($"{root}: another writer changed the table's columns meanwhile. Write the rows again.");
    }

    private bool Next(IEnumerator<string> rows, DeltaSnapshot snapshot)
    {
        try
        {
            return rows.MoveNext();
        }
        catch (DuckDbException e) when (snapshot.Vanished(root, e) is { } gone)
        {
            throw gone;
        }
    }
}
