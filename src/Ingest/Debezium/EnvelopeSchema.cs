using System.Text.Json;

namespace FeatureStore.Ingest.Debezium;

/// <summary>Reads from an event's <c>schema</c> what its time columns carry: the <c>name</c> of a field is its semantic type.</summary>
internal sealed class EnvelopeSchema
{
    private byte[] _lastText = [];
    private Dictionary<string, TimeKind> _last = [];

    /// <summary>Reads the value of <c>schema</c> and goes to its end. Events of a table carry the same one until the table changes, so the last is kept.</summary>
    /// <param name="value">The bytes that the reader reads.</param>
    public IReadOnlyDictionary<string, TimeKind> Read(ref Utf8JsonReader reader, ReadOnlySpan<byte> value)
    {
        var fields = reader;
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        var text = value[start..(int)reader.BytesConsumed];
        if (!text.SequenceEqual(_lastText))
        {
            var times = new Dictionary<string, TimeKind>();
            if (fields.TokenType == JsonTokenType.StartObject)
            {
                ReadStruct(ref fields, times, isEnvelope: true);
            }

            (_lastText, _last) = (text.ToArray(), times);
        }

        return _last;
    }

    // A struct lists its fields under 'fields'; an image is a field of the envelope that is itself a struct.
    private static (string? Field, string? Name) ReadStruct(ref Utf8JsonReader reader, Dictionary<string, TimeKind> times, bool isEnvelope)
    {
        string? field = null;
        string? name = null;
        Utf8JsonReader list = default;
        for (EnvelopeReader.Next(ref reader); reader.TokenType != JsonTokenType.EndObject; EnvelopeReader.Next(ref reader))
        {
            var property = reader.GetString();
            EnvelopeReader.Next(ref reader);
            if (property == "fields" && reader.TokenType == JsonTokenType.StartArray)
            {
                list = reader; // Read later: the field's own name may come after it.
                reader.Skip();
            }
            else if (property is "field" or "name" && reader.TokenType == JsonTokenType.String)
            {
                (field, name) = property == "field" ? (reader.GetString(), name) : (field, reader.GetString());
            }
            else
            {
                reader.Skip();
            }
        }

        if (list.TokenType == JsonTokenType.StartArray && (isEnvelope || field is "before" or "after"))
        {
            ReadFields(list, times, isEnvelope);
        }

        return (field, name);
    }

    private static void ReadFields(Utf8JsonReader reader, Dictionary<string, TimeKind> times, bool isEnvelope)
    {
        for (EnvelopeReader.Next(ref reader); reader.TokenType != JsonTokenType.EndArray; EnvelopeReader.Next(ref reader))
        {
            EnvelopeReader.Expect(ref reader, JsonTokenType.StartObject, "a field of the schema");
            var (field, name) = ReadStruct(ref reader, times, isEnvelope: false);
            if (!isEnvelope && field is not null && name is not null)
            {
                times[field] = TimeKinds.Of(name);
            }
        }
    }
}
