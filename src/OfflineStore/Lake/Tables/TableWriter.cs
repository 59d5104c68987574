using System.Globalization;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake.Tables;

/// <summary>
/// Writes rows as a table's data files: one statement for all partitions, a file each, whole under <c>_tmp/</c> first and then moved to
/// names never used before, bytes and names flushed to disk. The caller commits them.
/// </summary>
internal sealed class TableWriter
{
    private const string Groups = "write_group";
    private readonly LakePlace _root;
    private readonly IReadOnlyList<TableField> _fields;
    private readonly List<TableField> _partitions;
    private readonly ColumnStatistics _statistics;

    public TableWriter(LakePlace root, DeltaMetadata metadata)
    {
        _root = root;
        _fields = TableField.Read(metadata.SchemaString, root.Address);
        _partitions = [.. metadata.PartitionColumns.Select(p => _fields.First(f => f.Name == p))];
        _statistics = new ColumnStatistics(_fields, metadata);
    }

    /// <summary>Writes all rows of a relation.</summary>
    /// <param name="relation">A table with the schema's columns, in any order, and the kind's.</param>
    /// <param name="kind">A column of texts; rows of different kinds go to different files, tagged by it. Null for none.</param>
    /// <param name="kindTag">The tag's name.</param>
    public IReadOnlyList<DeltaFile> Write(
        DuckDbConnection connection, string relation, string? kind, string kindTag, CancellationToken cancellationToken)
    {
        // Statistics and rules are of the values as they are written.
        var typed = _fields.Select(f => $"CAST({LakeSql.Name(f.Name)} AS {f.Sql}) AS {LakeSql.Name(f.Name)}").Concat(kind is null ? [] : [LakeSql.Name(kind)]);
        relation = $"(SELECT {string.Join(", ", typed)} FROM {relation} given)";
        TableRules.Check(connection, _root.Address, relation, _fields, cancellationToken);
        List<string> keys = [.. _partitions.Select(PartitionText.Sql), kind is null ? "CAST(NULL AS VARCHAR)" : LakeSql.Name(kind)];
        var groups = Group(connection, relation, keys, cancellationToken);
        if (groups.Count == 0)
        {
            return [];
        }

        var folder = _root.Draft($"{LakeFiles.TemporaryFolder}/{Guid.NewGuid():N}");
        try
        {
            var written = groups.Count == 1 ? CopyWhole(connection, relation, folder, cancellationToken) : Copy(connection, relation, keys, folder, groups.Count, cancellationToken);
            return Publish(written, groups, kindTag);
        }
        finally
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private List<RowGroup> Group(DuckDbConnection connection, string relation, List<string> keys, CancellationToken cancellationToken)
    {
        var named = string.Join(", ", keys.Select((k, i) => $"{k} AS key{i}"));
        var stats = _statistics.Terms.Select((t, i) => $"{t} AS stat{i}").Prepend("count(*) AS rows");
        connection.Execute(
            $"CREATE OR REPLACE TEMP TABLE {Groups} AS SELECT row_number() OVER () AS number, * FROM (SELECT {named}, {string.Join(", ", stats)} FROM {relation} GROUP BY {string.Join(", ", keys.Select((_, i) => i + 1))})",
            cancellationToken);
        var groups = new List<RowGroup>();
        using var reader = connection.Query($"SELECT * FROM {Groups} ORDER BY number", cancellationToken);
        while (reader.NextChunk())
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                var row = r;
                var values = Enumerable.Range(1, keys.Count).Select(k => reader.IsNull(k, row) ? null : reader.Text(k, row)).ToList();
                for (var p = 0; p < _partitions.Count; p++)
                {
                    PartitionText.EnsureWritable(_root.Address, _partitions[p].Name, values[p]);
                }

                groups.Add(new RowGroup(values, reader.Int64(keys.Count + 1, row), _statistics.Read(reader, keys.Count + 2, row)));
            }
        }

        return groups;
    }

    /// <summary>One statement writes a folder for each group, named by its number.</summary>
    private List<WrittenFile> Copy(DuckDbConnection connection, string relation, List<string> keys, string folder, int groups, CancellationToken cancellationToken)
    {
        var own = keys.Select((_, i) => LakeSql.Name(Unused($"write_key{i}"))).ToList();
        var number = LakeSql.Name(Unused("write_group"));
        var keyed = string.Join(", ", keys.Zip(own, (k, o) => $"{k} AS {o}"));
        var match = string.Join(" AND ", own.Select((o, i) => $"r.{o} IS NOT DISTINCT FROM g.key{i}"));
        DurableFolder.Create(folder);

        // Beyond this number of open files DuckDB closes one and begins another for the same group.
        connection.Execute($"SET partitioned_write_max_open_files = {groups + 1}", cancellationToken);
        using var reader = connection.Query(
            $"COPY (SELECT {Data("r")}, g.number AS {number} FROM (SELECT *, {keyed} FROM {relation}) r JOIN {Groups} g ON {match}) TO {LakeSql.Text(folder)} "
            + $"(FORMAT PARQUET, COMPRESSION ZSTD, PARTITION_BY ({number}), WRITE_PARTITION_COLUMNS false, FILENAME_PATTERN 'part-{{uuidv4}}', OVERWRITE_OR_IGNORE, RETURN_STATS)",
            cancellationToken);
        return Written(reader, path => int.Parse(Path.GetFileName(Path.GetDirectoryName(path)!).Split('=')[^1], CultureInfo.InvariantCulture));
    }

    /// <summary>One group is one file, without a look at each row's group.</summary>
    private List<WrittenFile> CopyWhole(DuckDbConnection connection, string relation, string folder, CancellationToken cancellationToken)
    {
        DurableFolder.Create(folder);
        using var reader = connection.Query(
            $"COPY (SELECT {Data("r")} FROM {relation} r) TO {LakeSql.Text(Path.Combine(folder, "part.parquet"))} (FORMAT PARQUET, COMPRESSION ZSTD, RETURN_STATS)", cancellationToken);
        return Written(reader, _ => 1);
    }

    private string Data(string relation) => string.Join(", ", _fields.Where(f => !f.IsVoid && !_partitions.Contains(f)).Select(f => $"{relation}.{LakeSql.Name(f.Name)}"));

    private static List<WrittenFile> Written(DuckDbReader reader, Func<string, int> groupOf)
    {
        var written = new List<WrittenFile>();
        while (reader.NextChunk())
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                var path = reader.Text(0, r);
                written.Add(new WrittenFile(path, groupOf(path), (long)reader.UInt64(1, r)));
            }
        }

        return written;
    }

    private List<DeltaFile> Publish(List<WrittenFile> written, List<RowGroup> groups, string kindTag)
    {
        var files = new List<DeltaFile>();
        var parts = written.CountBy(w => w.Group).ToDictionary();
        foreach (var file in written.OrderBy(w => w.Group))
        {
            var group = groups[file.Group - 1];
            var folders = _partitions.Select((p, i) => PartitionText.Folder(p.Name, group.Keys[i]));
            var relative = string.Join('/', folders.Append($"part-{Guid.NewGuid():N}.parquet"));
            var stats = _statistics.Json(file.Rows, group.Bounds, parts[file.Group] == 1);
            var info = new FileInfo(file.Path);
            files.Add(new DeltaFile(
                relative,
                _partitions.Select((p, i) => (p.Name, Value: group.Keys[i])).ToDictionary(p => p.Name, p => p.Value),
                info.Length,
                new DateTimeOffset(info.LastWriteTimeUtc).ToUnixTimeMilliseconds(),
                stats,
                group.Keys[^1] is { } kind ? new Dictionary<string, string> { [kindTag] = kind } : []));
        }

        _root.PublishAll([.. written.OrderBy(w => w.Group).Zip(files, (w, f) => (w.Path, f.Path))]);
        return files;
    }

    private string Unused(string name)
    {
        while (_fields.Any(f => f.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
        {
            name += "_";
        }

        return name;
    }

    /// <summary>Rows that go into one file.</summary>
    /// <param name="Keys">Partition values, then the kind.</param>
    private sealed record RowGroup(IReadOnlyList<string?> Keys, long Rows, ColumnBounds Bounds);

    private sealed record WrittenFile(string Path, int Group, long Rows);
}
