using System.Text.Json;
using System.Text.Json.Nodes;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>Delta's schema text to and from lake columns.</summary>
internal static class DeltaSchema
{
    /// <summary>The text of a struct of nullable columns.</summary>
    public static string Write(IReadOnlyList<LakeColumn> columns)
    {
        var fields = new JsonArray();
        foreach (var column in columns)
        {
            fields.Add(new JsonObject
            {
                ["name"] = column.Name,
                ["type"] = TypeName(column.Type),
                ["nullable"] = true,
                ["metadata"] = new JsonObject(),
            });
        }

        return new JsonObject { ["type"] = "struct", ["fields"] = fields }.ToJsonString();
    }

    /// <summary>The columns of a schema that holds primitive types of ours alone.</summary>
    public static IReadOnlyList<LakeColumn> Read(string schemaString, string table)
    {
        using var document = JsonDocument.Parse(schemaString);
        var columns = new List<LakeColumn>();
        foreach (var field in document.RootElement.GetProperty("fields").EnumerateArray())
        {
            var name = field.GetProperty("name").GetString()!;
            columns.Add(new LakeColumn(name, ParseType(TypeText(field), name, table)));
        }

        return columns;
    }

    /// <summary>True if a column is NOT NULL or carries an invariant.</summary>
    public static bool HasConstraints(string schemaString)
    {
        using var document = JsonDocument.Parse(schemaString);
        return document.RootElement.GetProperty("fields").EnumerateArray().Any(f =>
            (f.TryGetProperty("nullable", out var nullable) && nullable.ValueKind == JsonValueKind.False)
            || (f.TryGetProperty("metadata", out var m) && m.ValueKind == JsonValueKind.Object && m.TryGetProperty("delta.invariants", out _)));
    }

    // Spark keeps char(n) as a string with a note, and readers pad its values with spaces, which this one does not.
    private static string TypeText(JsonElement field)
    {
        if (field.TryGetProperty("metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object
            && metadata.TryGetProperty("__CHAR_VARCHAR_TYPE_STRING", out var note) && note.ValueKind == JsonValueKind.String
            && note.GetString()!.StartsWith("char(", StringComparison.Ordinal))
        {
            return note.GetString()!;
        }

        var type = field.GetProperty("type");
        return type.ValueKind == JsonValueKind.String ? type.GetString()! : type.GetRawText();
    }

    private static string TypeName(LakeType type) => type switch
    {
        LakeType.String => "string",
        LakeType.Int64 => "long",
        LakeType.Int32 => "integer",
        LakeType.Double => "double",
        LakeType.Boolean => "boolean",
        LakeType.Timestamp => "timestamp",
        LakeType.Date => "date",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not a lake type."),
    };

    private static LakeType ParseType(string type, string column, string table) => type switch
    {
        "string" => LakeType.String,
        "long" => LakeType.Int64,
        "integer" => LakeType.Int32,
        "double" => LakeType.Double,
        "boolean" => LakeType.Boolean,
        "timestamp" => LakeType.Timestamp,
        "date" => LakeType.Date,
        _ => throw new DeltaException($"Column {column} of {table} has type {type}, which the lake does not read; leave the column out or cast it at its source."),
    };
}
