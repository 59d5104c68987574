using System.Text.Json;
using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>Carries change rows into a DuckDB table. Instants travel as microseconds and get their type in the query.</summary>
internal static class ChangeStaging
{
    public static void Fill(
        DuckDbConnection connection,
        string table,
        IReadOnlyList<LakeColumn> columns,
        IReadOnlyList<ChangeRow> rows,
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

    public static string Select(string table, IReadOnlyList<LakeColumn> columns)
    {
        var terms = ChangeColumns.Leading.Concat(columns).Select(c =>
            c.Type == LakeType.Timestamp ? $"{LakeSql.Instant(LakeSql.Name(c.Name))} AS {LakeSql.Name(c.Name)}" : LakeSql.Name(c.Name));
        return $"SELECT {string.Join(", ", terms)} FROM {table}";
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
