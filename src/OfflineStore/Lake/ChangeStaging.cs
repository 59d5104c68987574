using System.Text.Json;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake.Tables;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>Carries change rows into a DuckDB table. Instants travel as microseconds and get their type in the query.</summary>
internal static class ChangeStaging
{
    public static void Fill(
        DuckDbConnection connection,
        string table,
        IReadOnlyList<LakeColumn> columns,
        IEnumerable<ChangeRow> rows,
        CancellationToken cancellationToken)
    {
        List<LakeColumn> all = [.. ChangeColumns.Leading, .. columns];
        var definitions = all.Select(c => $"{LakeSql.Name(c.Name)} {(c.Type == LakeType.Timestamp ? "BIGINT" : LakeSql.Type(c.Type))}");
        connection.Execute($"CREATE OR REPLACE TEMP TABLE {table} ({string.Join(", ", definitions)})", cancellationToken);
        using var appender = connection.Append(table);
        foreach (var row in rows)
        {
            appender.AppendText(row.Op);
            appender.AppendText(row.Source);
            appender.AppendInt64(row.Lsn);
            appender.AppendInt32(row.Part);
            Put(appender, LakeType.String, row.Key);
            appender.AppendInt64(row.CommitTimeMicros);
            Put(appender, LakeType.String, row.Unavailable.Count == 0 ? null : JsonSerializer.Serialize(row.Unavailable));
            Put(appender, LakeType.Int64, row.PreviousCommitLsn);
            for (var c = 0; c < columns.Count; c++)
            {
                Put(appender, columns[c].Type, row.Values[c]);
            }

            appender.EndRow();
        }

        appender.Close();
    }

    /// <summary>The staged rows as a FROM term with every column of the table, the commit date and the kind; what the rows lack is null.</summary>
    public static string Select(string staging, IReadOnlyList<LakeColumn> columns, IReadOnlyList<TableField> fields)
    {
        var staged = ChangeColumns.Leading.Concat(columns).ToDictionary(c => c.Name, c => c.Type);
        var terms = fields.Select(f => f.Name == ChangeColumns.CommitDate ? $"CAST(make_timestamp({ChangeColumns.CommitTime}) AS DATE) AS {ChangeColumns.CommitDate}"
            : !staged.TryGetValue(f.Name, out var type) ? $"CAST(NULL AS {f.Sql}) AS {LakeSql.Name(f.Name)}"
            : type == LakeType.Timestamp ? $"{LakeSql.Instant(LakeSql.Name(f.Name))} AS {LakeSql.Name(f.Name)}"
            : LakeSql.Name(f.Name));
        var kind = $"CASE WHEN {ChangeColumns.Op} IN ('c', 'r') THEN '{ChangeColumns.InsertKind}' ELSE '{ChangeColumns.ChangeKind}' END AS {LakeSql.Name(ChangeColumns.KindTag)}";
        return $"(SELECT {string.Join(", ", terms)}, {kind} FROM {staging})";
    }

    private static void Put(DuckDbAppender appender, LakeType type, object? value)
    {
        if (value is null)
        {
            appender.AppendNull();
            return;
        }

        switch (type)
        {
            case LakeType.String:
                appender.AppendText((string)value);
                break;
            case LakeType.Int64 or LakeType.Timestamp:
                appender.AppendInt64((long)value);
                break;
            case LakeType.Int32:
                appender.AppendInt32((int)value);
                break;
            case LakeType.Double:
                appender.AppendDouble((double)value);
                break;
            case LakeType.Boolean:
                appender.AppendBoolean((bool)value);
                break;
            case LakeType.Date:
                appender.AppendDate((DateOnly)value);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "Not a lake type.");
        }
    }
}
