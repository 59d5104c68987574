using System.Globalization;
using System.Text.Json;

namespace FeatureStore.OfflineStore.Lake.Tables;

/// <summary>A column of a Delta table of any type.</summary>
/// <param name="Sql">Its type as DuckDB writes it.</param>
/// <param name="IsNullable">False if no row may lack a value.</param>
/// <param name="CharLength">Characters that a char(n) is padded to, or null.</param>
/// <param name="LengthMax">Most characters of a char(n) or varchar(n), or null.</param>
/// <param name="Invariant">The column's invariant as its writer put it, or null.</param>
/// <param name="IsVoid">True for Spark's <c>void</c>: null in every row, as a text, and in no data file.</param>
internal sealed record TableField(string Name, string Sql, bool IsNullable, int? CharLength, int? LengthMax, string? Invariant, bool IsVoid)
{
    /// <summary>True for arrays, maps and structs.</summary>
    public bool IsNested => Sql.EndsWith(']') || Sql.StartsWith("MAP(", StringComparison.Ordinal) || Sql.StartsWith("STRUCT(", StringComparison.Ordinal);

    /// <summary>The columns of a schema text, in its order.</summary>
    /// <exception cref="DeltaException">The text is no schema, or a type is none that version 1 of the protocol has.</exception>
    public static IReadOnlyList<TableField> Read(string schemaString, string table)
    {
        try
        {
            using var document = JsonDocument.Parse(schemaString);
            return [.. document.RootElement.GetProperty("fields").EnumerateArray().Select(f => Read(f, table))];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new DeltaException($"{table}: the schema in its metaData is damaged ({e.Message}). Restore the log from a copy.", e);
        }
    }

    private static TableField Read(JsonElement field, string table)
    {
        var name = field.GetProperty("name").GetString()!;
        var metadata = field.TryGetProperty("metadata", out var m) && m.ValueKind == JsonValueKind.Object ? m : default;
        var note = Note(metadata, "__CHAR_VARCHAR_TYPE_STRING");
        var length = note?.IndexOf('(', StringComparison.Ordinal) is { } open and > 0
            && int.TryParse(note.AsSpan(open + 1).TrimEnd(')'), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : (int?)null;
        var type = field.GetProperty("type");
        var isVoid = type.ValueKind == JsonValueKind.String && type.ValueEquals("void");
        return new TableField(
            name,
            isVoid ? "VARCHAR" : Type(type, name, table),
            !(field.TryGetProperty("nullable", out var nullable) && nullable.ValueKind == JsonValueKind.False),
            note?.StartsWith("char(", StringComparison.Ordinal) == true ? length : null,
            length,
            Note(metadata, "delta.invariants"),
            isVoid);
    }

    private static string? Note(JsonElement metadata, string name) =>
        metadata.ValueKind == JsonValueKind.Object && metadata.TryGetProperty(name, out var note) && note.ValueKind == JsonValueKind.String ? note.GetString() : null;

    private static string Type(JsonElement type, string column, string table)
    {
        if (type.ValueKind == JsonValueKind.String)
        {
            return Primitive(type.GetString()!, column, table);
        }

        return type.GetProperty("type").GetString() switch
        {
            "array" => Type(type.GetProperty("elementType"), column, table) + "[]",
            "map" => $"MAP({Type(type.GetProperty("keyType"), column, table)}, {Type(type.GetProperty("valueType"), column, table)})",
            "struct" when type.GetProperty("fields").GetArrayLength() > 0 => "STRUCT(" + string.Join(", ", type.GetProperty("fields").EnumerateArray().Select(f =>
                $"{LakeSql.Name(f.GetProperty("name").GetString()!)} {Type(f.GetProperty("type"), column, table)}")) + ")",
            var other => throw Unknown(other ?? "null", column, table),
        };
    }

    private static string Primitive(string type, string column, string table) => type switch
    {
        "string" => "VARCHAR",
        "long" => "BIGINT",
        "integer" => "INTEGER",
        "short" => "SMALLINT",
        "byte" => "TINYINT",
        "float" => "FLOAT",
        "double" => "DOUBLE",
        "boolean" => "BOOLEAN",
        "binary" => "BLOB",
        "date" => "DATE",
        "timestamp" => "TIMESTAMP WITH TIME ZONE",
        _ when Decimal(type) is { } sql => sql,
        _ => throw Unknown(type, column, table),
    };

    private static string? Decimal(string type)
    {
        var digits = type.StartsWith("decimal(", StringComparison.Ordinal) && type.EndsWith(')') ? type["decimal(".Length..^1].Split(',') : [];
        return digits.Length == 2
            && int.TryParse(digits[0], NumberStyles.None, CultureInfo.InvariantCulture, out var precision) && precision is >= 1 and <= 38
            && int.TryParse(digits[1], NumberStyles.None, CultureInfo.InvariantCulture, out var scale) && scale <= precision
            ? string.Create(CultureInfo.InvariantCulture, $"DECIMAL({precision},{scale})")
            : null;
    }

    private static DeltaException Unknown(string type, string column, string table) =>
        new($"Column {column} of {table} has type {type}, which this reader does not know. Leave the column out or cast it at its source.");
}
