using System.Text;

namespace FeatureStore.OfflineStore.Lake.Tables;

/// <summary>Partition values as the log writes them, and the folders that bear them.</summary>
internal static class PartitionText
{
    private const string NullFolder = "__HIVE_DEFAULT_PARTITION__";

    /// <summary>A column's value as the text of the log; SQL null stays null.</summary>
    public static string Sql(TableField field)
    {
        var name = LakeSql.Name(field.Name);
        return field.Sql switch
        {
            "VARCHAR" => name,
            "BLOB" => $"decode({name})",
            "FLOAT" or "DOUBLE" => $"CASE WHEN isnan({name}) THEN 'NaN' WHEN isinf({name}) THEN CASE WHEN {name} > 0 THEN 'Infinity' ELSE '-Infinity' END ELSE CAST({name} AS VARCHAR) END",
            "TIMESTAMP WITH TIME ZONE" => $"strftime({name}, '%Y-%m-%dT%H:%M:%S.%fZ')",
            _ => $"CAST({name} AS VARCHAR)",
        };
    }

    /// <summary>Refuses values that other engines read differently from each other, or not at all.</summary>
    /// <exception cref="DeltaException">The value is empty, or has characters beyond printable ASCII.</exception>
    public static void EnsureWritable(string table, string column, string? value)
    {
        if (value is { Length: 0 })
        {
            throw new DeltaException($"{table}: partition column {column} has an empty text, which some readers take for null. Write null or another text.");
        }

        if (value is not null && value.AsSpan().IndexOfAnyExceptInRange(' ', '~') >= 0)
        {
            throw new DeltaException($"{table}: a value of partition column {column} has characters beyond printable ASCII, which some engines refuse. Partition by another column.");
        }
    }

    /// <summary>The folder of a value. Readers go by the log, so it must only be a legal and distinct name.</summary>
    public static string Folder(string column, string? value) => $"{Escape(column)}={(value is null ? NullFolder : Escape(value))}";

    private static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (var c in text)
        {
            _ = char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '~' || c > '~' ? escaped.Append(c) : escaped.Append($"%{(int)c:X2}");
        }

        return escaped.ToString();
    }
}
