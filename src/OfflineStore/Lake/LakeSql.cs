using System.Globalization;
using System.Text;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>The lake's types, names and literals as DuckDB's SQL writes them.</summary>
internal static class LakeSql
{
    /// <summary>ORDER BY terms under which rows that are equal otherwise go backwards through the files, which are read in the order of their paths.</summary>
    public const string LastFirst = "file_index DESC, file_row_number DESC";

    private const long MicrosPerDay = 86_400_000_000;

    public static string Name(string identifier) => "\"" + identifier.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    public static string Text(string value) => "'" + value.Replace("'", "''", StringComparison.Ordinal) + "'";

    /// <summary>A file's path as <c>read_parquet</c> takes it, which reads patterns in it: a bracket around a character stands for the character.</summary>
    /// <exception cref="DeltaException">The path has a backslash beside such a character, and no pattern stands for both.</exception>
    public static string Path(string path)
    {
        if (path.AsSpan().IndexOfAny('*', '?', '[') < 0)
        {
            return Text(path);
        }

        if (path.Contains('\\', StringComparison.Ordinal))
        {
            throw new DeltaException($"{path} has a backslash and one of *, ? and [ in its name, which cannot be read together. Rename the folder or copy the table.");
        }

        var pattern = new StringBuilder();
        foreach (var c in path)
        {
            _ = c is '*' or '?' or '[' ? pattern.Append('[').Append(c).Append(']') : pattern.Append(c);
        }

        return Text(pattern.ToString());
    }

    public static string Number(long value) => "CAST(" + value.ToString(CultureInfo.InvariantCulture) + " AS BIGINT)";

    public static string Type(LakeType type) => type switch
    {
        LakeType.String => "VARCHAR",
        LakeType.Int64 => "BIGINT",
        LakeType.Int32 => "INTEGER",
        LakeType.Double => "DOUBLE",
        LakeType.Boolean => "BOOLEAN",
        LakeType.Timestamp => "TIMESTAMPTZ", // Parquet: INT64 micros, adjusted to UTC.
        LakeType.Date => "DATE",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not a lake type."),
    };

    /// <summary>An instant column as microseconds since the epoch; a date counts from its midnight.</summary>
    public static string Micros(string expression, LakeType type) =>
        type == LakeType.Date ? $"epoch_us(CAST({expression} AS TIMESTAMP))" : $"epoch_us({expression})";

    /// <summary>Microseconds since the epoch as an instant. Interval arithmetic on a plain timestamp knows no session zone.</summary>
    public static string Instant(string micros) => $"make_timestamptz({micros})";

    /// <summary>A FROM term over data files, typed by the columns: a file from before a column was added reads as null.</summary>
    /// <param name="withPosition">Adds the columns that <see cref="LastFirst"/> orders by.</param>
    public static string Files(LakePlace table, IEnumerable<DeltaFile> files, IReadOnlyList<LakeColumn> columns, bool withPosition = false)
    {
        var position = withPosition ? ", CAST(NULL AS UBIGINT) AS file_index, CAST(NULL AS BIGINT) AS file_row_number" : string.Empty;
        var empty = "SELECT " + string.Join(", ", columns.Select(c => $"CAST(NULL AS {Type(c.Type)}) AS {Name(c.Name)}")) + position + " WHERE false";
        var paths = table.LocalFiles([.. files.Select(f => f.Path).Order(StringComparer.Ordinal)]).Select(Path).ToList();
        if (paths.Count == 0)
        {
            return $"({empty})";
        }

        var list = string.Join(", ", paths);
        return $"({empty} UNION ALL BY NAME SELECT *{(withPosition ? ", file_index, file_row_number" : string.Empty)} FROM read_parquet([{list}], union_by_name = true, hive_partitioning = false))";
    }

    /// <summary>UTC date of an instant, as a partition value.</summary>
    public static string DateText(long micros)
    {
        var days = Math.DivRem(micros, MicrosPerDay, out var rest) - (rest < 0 ? 1 : 0);
        return DateOnly.FromDateTime(DateTime.UnixEpoch.AddDays(days)).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
    }

    /// <summary>An instant as Delta's statistics write it.</summary>
    public static string InstantText(long micros) =>
        DateTime.UnixEpoch.AddTicks(micros * 10).ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
