using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake.Tables;

/// <summary>Data files of any Delta table as a FROM term: every column of the schema in its type, partition values from the log.</summary>
internal sealed class TableScan
{
    private readonly LakePlace _root;
    private readonly IReadOnlyList<TableField> _fields;
    private readonly IReadOnlyList<string> _partitions;

    public TableScan(LakePlace root, DeltaMetadata metadata)
    {
        _root = root;
        _fields = TableField.Read(metadata.SchemaString, root.Address);
        _partitions = metadata.PartitionColumns;
        if (_partitions.FirstOrDefault(p => _fields.All(f => f.Name != p)) is { } lacking)
        {
            throw new DeltaException($"{root} is partitioned by {lacking}, which is no column of its schema. Restore the log from a copy.");
        }
    }

    public IReadOnlyList<TableField> Fields => _fields;

    /// <summary>The rows of the files. What a file lacks reads as null; what the schema no longer names is left out.</summary>
    /// <param name="mark">A further column, constant within a file: its name, and its text for each file.</param>
    public string Sql(IEnumerable<DeltaFile> files, (string Name, Func<DeltaFile, string?> Value)? mark = null)
    {
        var all = files.ToList();
        var listed = all.Zip(_root.LocalFiles([.. all.Select(f => f.Path)]), (f, path) => (File: f, Path: path)).ToList();
        var columns = _fields.Select(f => (Field: f, IsPartition: _partitions.Contains(f.Name))).ToList();
        var typed = string.Join(", ", _fields.Select(f => $"CAST(NULL AS {f.Sql}) AS {LakeSql.Name(f.Name)}"));
        var markType = mark is { } named ? $", CAST(NULL AS VARCHAR) AS {LakeSql.Name(named.Name)}" : string.Empty;
        if (listed.Count == 0)
        {
            return $"(SELECT {typed}{markType} WHERE false)";
        }

        // A data column may have any name, so the file's is longer than each of them.
        var file = LakeSql.Name("file" + new string('_', _fields.Max(f => f.Name.Length)));
        var data = columns.Where(c => !c.IsPartition).Select(c => c.Field).ToList();
        var empty = "SELECT " + string.Join(", ", data.Select(f => $"CAST(NULL AS {f.Sql}) AS {LakeSql.Name(f.Name)}").Append($"CAST(NULL AS VARCHAR) AS {file}")) + " WHERE false";
        var read = $"read_parquet([{string.Join(", ", listed.Select(l => LakeSql.Path(l.Path)))}], union_by_name = true, hive_partitioning = false, filename = {LakeSql.Text(file.Trim('"'))})";
        var constants = _partitions.Select((_, i) => $"p{i}").Concat(mark is null ? [] : ["mark"]).ToList();
        var values = listed.Select(l => "(" + string.Join(", ", new[] { LakeSql.Text(l.Path) }
            .Concat(_partitions.Select(p => Constant(l.File.PartitionValues.GetValueOrDefault(p))))
            .Concat(mark is { } m ? [Constant(m.Value(l.File))] : [])) + ")");
        var join = constants.Count == 0 ? string.Empty : $" JOIN (VALUES {string.Join(", ", values)}) c(file, {string.Join(", ", constants)}) ON c.file = d.{file}";
        var terms = columns.Select(c => c.IsPartition ? Partition(c.Field) : Data(c.Field))
            .Concat(mark is { } marked ? [$"c.mark AS {LakeSql.Name(marked.Name)}"] : []);
        return $"(SELECT {string.Join(", ", terms)} FROM ({empty} UNION ALL BY NAME SELECT * FROM {read}) d{join})";
    }

    private static string Constant(string? value) => value is null ? "CAST(NULL AS VARCHAR)" : LakeSql.Text(value);

    private static string Data(TableField field)
    {
        var name = LakeSql.Name(field.Name);
        return field.IsVoid ? $"CAST(NULL AS {field.Sql}) AS {name}" : $"{Padded(field, $"CAST(d.{name} AS {field.Sql})")} AS {name}";
    }

    // Readers of char(n) see its spaces, whether the writer stored them or not.
    private static string Padded(TableField field, string sql) =>
        field.CharLength is { } length ? $"CASE WHEN length({sql}) < {length} THEN rpad({sql}, {length}, ' ') ELSE {sql} END" : sql;

    /// <summary>A partition value as its type. The protocol takes an empty text for null, yet for text columns it is what a writer meant.</summary>
    private string Partition(TableField field)
    {
        var text = $"c.p{_partitions.ToList().IndexOf(field.Name)}";
        var value = field.Sql switch
        {
            "VARCHAR" => Padded(field, text),
            "BLOB" => $"encode({text})",
            _ => $"CAST(nullif({text}, '') AS {field.Sql})",
        };
        return $"{value} AS {LakeSql.Name(field.Name)}";
    }
}
