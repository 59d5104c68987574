using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.Lake.Tables;

/// <summary>
/// Any query's rows as JSON: integers as numbers, other numbers that JSON lacks as "NaN", "Infinity", "-Infinity" and "-0.0", decimals and dates as
/// text, times to the last digit with <c>Z</c> where they are instants, bytes as <c>0x</c> and hexadecimal, maps as lists of key and value.
/// </summary>
internal static class RowJson
{
    private static readonly string[] Integers =
        ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "BOOLEAN", "JSON"];

    /// <summary>The rows, one JSON object each, its members in column order.</summary>
    /// <param name="from">A FROM term.</param>
    public static IEnumerable<string> Rows(DuckDbConnection connection, string from, CancellationToken cancellationToken)
    {
        // Foreign files have columns without a name, or with names that differ in case only: they go by their place.
        var members = new List<string>();
        using (var columns = connection.Query($"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {from})", cancellationToken))
        {
            while (columns.NextChunk())
            {
                for (var r = 0; r < columns.RowCount; r++)
                {
                    members.Add($"{LakeSql.Text(columns.Text(0, r))}, {Value($"c{members.Count}", columns.Text(1, r), 0)}");
                }
            }
        }

        using var reader = connection.Query($"SELECT CAST(json_object({string.Join(", ", members)}) AS VARCHAR) FROM {from} t({string.Join(", ", members.Select((_, i) => $"c{i}"))})", cancellationToken);
        while (reader.NextChunk())
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                yield return reader.Text(0, r);
            }
        }
    }

    private static string Value(string sql, string type, int depth)
    {
        var item = $"e{depth}";
        if (type.EndsWith(']'))
        {
            return $"to_json(list_transform({sql}, lambda {item}: {Value(item, type[..type.LastIndexOf('[')], depth + 1)}))";
        }

        if (type.StartsWith("MAP(", StringComparison.Ordinal))
        {
            var parts = Parts(type["MAP(".Length..^1]);
            return $"to_json(list_transform(map_entries({sql}), lambda {item}: json_array({Value(item + ".key", parts[0], depth + 1)}, {Value(item + ".value", parts[1], depth + 1)})))";
        }

        if (type.StartsWith("STRUCT(", StringComparison.Ordinal))
        {
            var members = Parts(type["STRUCT(".Length..^1]).Select((p, i) => Member(sql, p, i + 1, depth));
            return $"CASE WHEN {sql} IS NULL THEN NULL ELSE json_object({string.Join(", ", members)}) END";
        }

        return Scalar(sql, type);
    }

    private static string Scalar(string sql, string type) => type switch
    {
        _ when Integers.Contains(type) => $"to_json({sql})",
        "FLOAT" or "DOUBLE" => $"CASE WHEN isnan({sql}) THEN to_json('NaN') WHEN isinf({sql}) THEN to_json(CASE WHEN {sql} > 0 THEN 'Infinity' ELSE '-Infinity' END) "
            + $"WHEN CAST({sql} AS VARCHAR) = '-0.0' THEN to_json('-0.0') ELSE to_json(CAST({sql} AS DOUBLE)) END",
        "BLOB" => $"to_json('0x' || lower(hex({sql})))",
        "TIMESTAMP WITH TIME ZONE" => $"to_json(strftime({sql}, '%Y-%m-%dT%H:%M:%S.%fZ'))",
        "TIMESTAMP_NS" => $"to_json(strftime({sql}, '%Y-%m-%dT%H:%M:%S.%n'))",
        _ when type.StartsWith("TIMESTAMP", StringComparison.Ordinal) => $"to_json(strftime(CAST({sql} AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%f'))",
        "TIME_NS" => $"to_json(rpad(CASE WHEN contains(CAST({sql} AS VARCHAR), '.') THEN CAST({sql} AS VARCHAR) ELSE CAST({sql} AS VARCHAR) || '.' END, {"00:00:00.".Length + 9}, '0'))",
        "TIME" => $"to_json(strftime(TIMESTAMP '1970-01-01 00:00:00' + {sql}, '%H:%M:%S.%f'))",
        _ => $"to_json(CAST({sql} AS VARCHAR))",
    };

    // A member's text is its name, quoted where it must be, and its type.
    private static string Member(string sql, string part, int place, int depth)
    {
        var end = part.StartsWith('"') ? ClosingQuote(part) + 1 : part.IndexOf(' ', StringComparison.Ordinal);
        var name = part.StartsWith('"') ? part[1..(end - 1)].Replace("\"\"", "\"", StringComparison.Ordinal) : part[..end];
        return $"{LakeSql.Text(name)}, {Value($"struct_extract_at({sql}, {place})", part[(end + 1)..], depth)}";
    }

    private static int ClosingQuote(string text)
    {
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] == '"')
            {
                if (i + 1 == text.Length || text[i + 1] != '"')
                {
                    return i;
                }

                i++;
            }
        }

        throw new DuckDbException($"The type {text} has a name without an end.");
    }

    /// <summary>The parts between the commas of the outermost level.</summary>
    private static List<string> Parts(string text)
    {
        var parts = new List<string>();
        var (start, depth, isQuoted) = (0, 0, false);
        for (var i = 0; i < text.Length; i++)
        {
            isQuoted ^= text[i] == '"';
            depth += isQuoted ? 0 : text[i] switch { '(' or '[' => 1, ')' or ']' => -1, _ => 0 };
            if (text[i] == ',' && depth == 0 && !isQuoted)
            {
                parts.Add(text[start..i].Trim());
                start = i + 1;
            }
        }

        parts.Add(text[start..].Trim());
        return parts;
    }
}
