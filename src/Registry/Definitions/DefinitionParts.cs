using FeatureStore.Registry.Yaml;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Registry.Definitions;

/// <summary>Parts that several kinds of definitions have: the header, a schema, types and lengths of time.</summary>
internal static class DefinitionParts
{
    public static Header Header(YamlBlock block, string example) => new(
        block.RequiredText("name", example),
        block.Text("description") ?? string.Empty,
        block.Text("owner") ?? string.Empty,
        block.TextMap("tags"),
        block);

    public static List<FieldDefinition> Fields(YamlBlock block)
    {
        var fields = new List<FieldDefinition>();
        foreach (var field in block.Blocks("schema", "field"))
        {
            fields.Add(new FieldDefinition(field.RequiredText("name", "age"), Type(field, "dtype"), field.Text("description") ?? string.Empty, field.PlaceOf("name")));
            field.RejectUnread();
        }

        return fields;
    }

    public static Kind Type(YamlBlock block, string key)
    {
        var text = block.RequiredText(key, "String");
        if (text.Length > 0 && !FieldTypes.TryParse(text, out _))
        {
            block.Fault(key, $"'{text}' of {block.What} is no type; write {FieldTypes.Form}.");
        }

        return FieldTypes.TryParse(text, out var kind) ? kind : Kind.Invalid;
    }

    /// <summary>Null when the key is absent or, with a fault, not a length of time.</summary>
    public static TimeSpan? Duration(YamlBlock block, string key)
    {
        var text = block.Text(key);
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        if (DurationText.TryParse(text, out var duration))
        {
            return duration;
        }

        block.Fault(key, $"'{key}' of {block.What} is '{text}'; write {DurationText.Form}.");
        return null;
    }
}
