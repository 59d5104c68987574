using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>Questions with few rows for an answer.</summary>
internal static class SmallQuery
{
    /// <summary>The first column of the first row, a BIGINT; 0 if there is none or it is null.</summary>
    public static long Number(this DuckDbConnection connection, string sql, CancellationToken cancellationToken)
    {
        using var reader = connection.Query(sql, cancellationToken);
        return reader.NextChunk() && !reader.IsNull(0, 0) ? reader.Int64(0, 0) : 0;
    }

    /// <summary>All rows, every column cast to text; null where it is null.</summary>
    public static List<string?[]> Texts(this DuckDbConnection connection, string sql, CancellationToken cancellationToken)
    {
        var rows = new List<string?[]>();
        using var reader = connection.Query($"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({sql})", cancellationToken);
        while (reader.NextChunk())
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                var row = new string?[reader.ColumnCount];
                for (var c = 0; c < row.Length; c++)
                {
                    row[c] = reader.IsNull(c, r) ? null : reader.Text(c, r);
                }

                rows.Add(row);
            }
        }

        return rows;
    }

    /// <summary>Name and DuckDB type of each column of a query.</summary>
    public static List<(string Name, string Type)> Describe(this DuckDbConnection connection, string select, CancellationToken cancellationToken) =>
        [.. connection.Texts($"SELECT column_name, column_type FROM (DESCRIBE {select})", cancellationToken).Select(r => (r[0]!, r[1]!))];
}
