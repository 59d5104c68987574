using System.Globalization;
using System.Text.Json;

namespace FeatureStore.Ingest.Debezium;

/// <summary>Reads from an event's <c>schema</c> how its columns are written: the <c>name</c> of a field is its semantic type.</summary>
internal sealed class EnvelopeSchema
{
    private const string DecimalName = "org.apache.kafka.connect.data.Decimal";
    private const int ScaleMax = 16_383; // PostgreSQL's.
    private byte[] _lastText = [];
    private SchemaForms _last = SchemaForms.None;

    /// <summary>Reads the value of <c>schema</c> and goes to its end. Events of a table carry the same one until the table changes, so the last is kept.</summary>
    /// <param name="value">The bytes that the reader reads.</param>
    public SchemaForms Read(ref Utf8JsonReader reader, ReadOnlySpan<byte> value)
    {
        var whole = reader;
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        var text = value[start..(int)reader.BytesConsumed];
        if (!text.SequenceEqual(_lastText))
        {
            var image = new Dictionary<string, ColumnForm>();
            var top = new Dictionary<string, ColumnForm>();
            if (whole.TokenType == JsonTokenType.StartObject)
            {
                ReadField(ref whole, out var fields);
                ReadFields(fields, top, image);
            }

            (_lastText, _last) = (text.ToArray(), new SchemaForms(image, top));
        }

        return _last;
    }

    // An image is a field of the envelope that is itself a struct.
    private static void ReadFields(Utf8JsonReader fields, Dictionary<string, ColumnForm> forms, Dictionary<string, ColumnForm>? images)
    {
        if (fields.TokenType != JsonTokenType.StartArray)
        {
            return;
        }

        for (EnvelopeReader.Next(ref fields); fields.TokenType != JsonTokenType.EndArray; EnvelopeReader.Next(ref fields))
        {
            EnvelopeReader.Expect(ref fields, JsonTokenType.StartObject, "a field of the schema");
            var (field, form) = ReadField(ref fields, out var inner);
            if (field is not null)
            {
                forms[field] = form;
            }

            if (images is not null && field is "before" or "after")
            {
                ReadFields(inner, images!, null);
            }
        }
    }

    /// <param name="fields">The list of the field's own fields, if it is a struct.</param>
    private static (string? Field, ColumnForm Form) ReadField(ref Utf8JsonReader reader, out Utf8JsonReader fields)
    {
        string? field = null;
        string? name = null;
        string? type = null;
        int? scale = null;
        fields = default;
        for (EnvelopeReader.Next(ref reader); reader.TokenType != JsonTokenType.EndObject; EnvelopeReader.Next(ref reader))
        {
            var property = reader.GetString();
            EnvelopeReader.Next(ref reader);
            switch (property, reader.TokenType)
            {
                case ("fields", JsonTokenType.StartArray):
                    fields = reader; // Read later: the field's own name may come after it.
                    reader.Skip();
                    break;
                case ("field", JsonTokenType.String):
                    field = reader.GetString();
                    break;
                case ("name", JsonTokenType.String):
                    name = reader.GetString();
                    break;
                case ("type", JsonTokenType.String):
                    type = reader.GetString();
                    break;
                case ("parameters", JsonTokenType.StartObject):
                    scale = ReadScale(ref reader);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        var time = name is null ? TimeKind.Unknown : TimeKinds.Of(name);
        return (field, new ColumnForm(time, name == DecimalName ? scale : null, IsText: type == "string" && name is null));
    }

    private static int? ReadScale(ref Utf8JsonReader reader)
    {
        int? scale = null;
        for (EnvelopeReader.Next(ref reader); reader.TokenType != JsonTokenType.EndObject; EnvelopeReader.Next(ref reader))
        {
            var isScale = reader.ValueTextEquals("scale");
            EnvelopeReader.Next(ref reader);
            if (isScale && reader.TokenType == JsonTokenType.String
                && int.TryParse(reader.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= ScaleMax)
            {
                scale = number;
            }

            reader.Skip();
        }

        return scale;
    }
}
