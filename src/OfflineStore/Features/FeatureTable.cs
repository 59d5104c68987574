using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Log;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.OfflineStore.Lake.Tables;

namespace FeatureStore.OfflineStore.Features;

/// <summary>
/// A view's feature table. Takes the rows that are true now for some feature times and writes what is missing: new rows
/// go into one new file per partition; a partition that holds a row which is no longer true is written anew.
/// </summary>
internal sealed class FeatureTable(LakePlace root, IReadOnlyList<LakeColumn> columns, string timeColumn)
{
    internal const string PartitionColumn = "event_date";
    private static readonly Dictionary<string, string> NoTags = [];
    private readonly DeltaLog _log = new(root);
    private readonly LakeFiles _files = new(root);

    /// <summary>Writes the rows of each time, a partition after the other.</summary>
    /// <param name="compute">Adds all rows of a time to the connection's table <c>computed</c>.</param>
    /// <param name="touchedKeys">How many leading columns are keys, if only the rows of the table <c>touched_row</c> (k0, k1, … and t) are computed; null for all rows.</param>
    /// <exception cref="DeltaException">Another process writes this table, or it is damaged.</exception>
    public ComputeResult Write(
        DuckDbConnection connection, IReadOnlyList<long> asOfMicros, Action<long> compute, int? touchedKeys, CancellationToken cancellationToken)
    {
        using var single = root.Lock();
        var before = _log.Read(cancellationToken);
        before?.EnsureWritable(root.Address);
        before = RemoveOrphans(before, cancellationToken);

        var metadata = before?.Metadata ?? NewTable();
        var statistics = new ColumnStatistics(TableField.Read(metadata.SchemaString, root.Address), metadata);
        var staged = new List<(StagedFile File, string Statistics)>();
        var removed = new List<DeltaFile>();
        long appended = 0;
        foreach (var date in asOfMicros.GroupBy(LakeSql.DateText).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            List<DeltaFile> old = before is null ? [] : [.. before.Files.Values.Where(f => f.PartitionValues.GetValueOrDefault(PartitionColumn) == date.Key)];
            connection.Execute($"CREATE OR REPLACE TEMP TABLE computed ({string.Join(", ", columns.Select(c => $"{LakeSql.Name(c.Name)} {LakeSql.Type(c.Type)}"))})", cancellationToken);
            foreach (var time in date)
            {
                compute(time);
            }

            var contradicted = old.Count > 0 && Load(connection, old, date, touchedKeys, cancellationToken);
            var select = contradicted ? "SELECT * FROM computed UNION ALL SELECT * FROM others"
                : old.Count > 0 ? "SELECT * FROM computed EXCEPT ALL SELECT * FROM present"
                : "SELECT * FROM computed";
            var (rows, stats) = statistics.Of(connection, $"({select})", cancellationToken);
            if (contradicted)
            {
                removed.AddRange(old);
            }

            if (rows > 0)
            {
                appended += rows;
                var order = string.Join(", ", columns.Select(c => LakeSql.Name(c.Name)));
                staged.Add((_files.Stage(connection, $"SELECT * FROM ({select}) ORDER BY {order}", PartitionColumn, date.Key, cancellationToken), stats));
            }
        }

        if (staged.Count == 0 && removed.Count == 0)
        {
            return new ComputeResult(0, 0, before?.Version);
        }

        return Commit(before, metadata, staged, removed, appended);
    }

    private ComputeResult Commit(DeltaSnapshot? before, DeltaMetadata metadata, List<(StagedFile File, string Statistics)> staged, List<DeltaFile> removed, long appended)
    {
        var added = staged.Select(s => _files.Publish(s.File, s.Statistics, NoTags)).ToList();
        var version = before is null ? 0 : before.Version + 1;
        var commit = new DeltaCommit(before is null ? DeltaProtocol.Plain : null, before is null ? metadata : null, null, added, removed);
        if (_log.TryCommit(version, commit) == DeltaCommitOutcome.Conflict)
        {
            _files.Delete(added);
            throw new DeltaException($"{root}: another run wrote version {version} meanwhile. Run the computation again; let one run at a time write a view.");
        }

        // Plain Parquet readers look at every file, so what the commit took out must go at once.
        _files.Delete(removed);
        return new ComputeResult(appended, removed.Count, version);
    }

    // No lock of a folder's kind keeps another run off a bucket: what looks like an orphan may be the file of one that is about to commit. A commit of
    // ours comes first then, after which that one's is a conflict; only what lay there before it is deleted.
    private DeltaSnapshot? RemoveOrphans(DeltaSnapshot? before, CancellationToken cancellationToken)
    {
        if (!root.IsRemote)
        {
            _files.RemoveOrphans(before);
            return before;
        }

        var orphans = _files.Orphans(before);
        if (orphans.Count == 0)
        {
            return before;
        }

        CommitLoop.Run(
            _log,
            before,
            now => new DeltaCommit(now is null ? DeltaProtocol.Plain : null, now is null ? NewTable() : null, null, [], [], IsDataChange: false, Operation: "FENCE"),
            cancellationToken);
        var after = _log.Read(cancellationToken)!;
        _files.Delete(orphans.Where(o => !after.Files.ContainsKey(o)));
        return after;
    }

    private DeltaMetadata NewTable() => new(
        Guid.NewGuid().ToString(), DeltaSchema.Write([.. columns, new LakeColumn(PartitionColumn, LakeType.Date)]), [PartitionColumn], NoTags);

    /// <summary>Fills <c>present</c> with the partition's rows of the times in question, <c>others</c> with the rest of it.</summary>
    /// <returns>True if a present row is no longer true.</returns>
    private bool Load(DuckDbConnection connection, List<DeltaFile> old, IEnumerable<long> times, int? touchedKeys, CancellationToken cancellationToken)
    {
        var names = string.Join(", ", columns.Select(c => LakeSql.Name(c.Name)));
        var list = string.Join(", ", times.Select(LakeSql.Number));
        var time = LakeSql.Micros(LakeSql.Name(timeColumn), LakeType.Timestamp);
        var files = LakeSql.Files(root, old, columns);
        var isMeant = touchedKeys is not { } keys ? $"{time} IN ({list})"
            : $"EXISTS (SELECT 1 FROM touched_row x WHERE x.t = {time} AND {string.Join(" AND ", columns.Take(keys).Select((c, i) => $"x.k{i} = f.{LakeSql.Name(c.Name)}"))})";
        connection.Execute($"CREATE OR REPLACE TEMP TABLE present AS SELECT {names} FROM {files} f WHERE {isMeant}", cancellationToken);
        connection.Execute($"CREATE OR REPLACE TEMP TABLE others AS SELECT {names} FROM {files} f WHERE NOT {isMeant}", cancellationToken);
        return Count(connection, "SELECT count(*) FROM (SELECT * FROM present EXCEPT ALL SELECT * FROM computed)", cancellationToken) > 0;
    }

    private static long Count(DuckDbConnection connection, string sql, CancellationToken cancellationToken)
    {
        using var reader = connection.Query(sql, cancellationToken);
        return reader.NextChunk() ? reader.Int64(0, 0) : 0;
    }
}
