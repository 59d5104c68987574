using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Debezium;

/// <summary>Reads row images: the declared columns, the others passed over, values that the source did not send by their placeholder.</summary>
internal sealed class RowReader(IReadOnlyList<LakeColumn> columns, EnvelopeOptions options)
{
    private readonly Dictionary<string, int> _columns = columns.Select((c, i) => (c.Name, i)).ToDictionary(c => c.Name, c => c.i);

    // Images of a table list their members in one order until the table changes, so a name is looked up once.
    private readonly List<(byte[] Name, string Text, int Column)> _order = [];

    // Text columns carry the placeholder as it is, and bytes as base64 of either alphabet or as hex.
    private readonly string[] _placeholders =
    [
        .. new[]
        {
            options.Unavailable,
            Convert.ToBase64String(Encoding.UTF8.GetBytes(options.Unavailable)),
            Base64Url.EncodeToString(Encoding.UTF8.GetBytes(options.Unavailable)),
            Convert.ToHexStringLower(Encoding.UTF8.GetBytes(options.Unavailable)),
        }.Distinct(),
    ];

    public RowImage? ReadOrNull(ref Utf8JsonReader reader, EnvelopeParts parts, bool isAfter)
    {
        if (reader.TokenType == JsonTokenType.Null)
        {
            return null;
        }

        EnvelopeReader.Expect(ref reader, JsonTokenType.StartObject, "a row image");
        return Read(ref reader, parts, isFlat: false, isAfter);
    }

    /// <summary>Reads an object of columns; in a flattened row also the marks among them.</summary>
    /// <param name="isAfter">False for an image that says what was: its values decide nothing, and some are fillers that suit no type.</param>
    public RowImage Read(ref Utf8JsonReader reader, EnvelopeParts parts, bool isFlat, bool isAfter = true)
    {
        var start = (int)reader.TokenStartIndex;
        var values = new object?[columns.Count];
        var position = 0;
        for (EnvelopeReader.Next(ref reader); reader.TokenType != JsonTokenType.EndObject; EnvelopeReader.Next(ref reader))
        {
            var (name, column) = Member(ref reader, position++);
            EnvelopeReader.Next(ref reader);
            if (column >= 0)
            {
                parts.Member = name;
                values[column] = isAfter ? Value(ref reader, parts, column, isFlat) : ValueOrNull(ref reader, parts, column);
            }
            else if (!isFlat || !FlatRow.TryMark(ref reader, name, parts))
            {
                reader.Skip();
            }
        }

        parts.Member = null;
        return new RowImage(values, start);
    }

    public ColumnForm FormOf(EnvelopeParts parts, string column)
    {
        var told = (parts.Kind == EnvelopeKind.Flat ? parts.Schema?.Top : parts.Schema?.Image)?.GetValueOrDefault(column) ?? default;
        return new ColumnForm(
            told.Time != TimeKind.Unknown ? told.Time : options.Times.GetValueOrDefault(column),
            told.Scale ?? (parts.Schema is null && options.Scales.TryGetValue(column, out var scale) ? scale : null),
            told.IsText);
    }

    private (string Name, int Column) Member(ref Utf8JsonReader reader, int position)
    {
        if (position < _order.Count && !reader.ValueIsEscaped && reader.ValueSpan.SequenceEqual(_order[position].Name))
        {
            return (_order[position].Text, _order[position].Column);
        }

        var name = reader.GetString()!;
        var column = _columns.TryGetValue(name, out var known) ? known : -1;
        if (!reader.ValueIsEscaped && position <= _order.Count && position <= _columns.Count * 2)
        {
            _order.RemoveRange(position, _order.Count - position);
            _order.Add((reader.ValueSpan.ToArray(), name, column));
        }

        return (name, column);
    }

    private object? Value(ref Utf8JsonReader reader, EnvelopeParts parts, int column, bool isFlat)
    {
        var declared = columns[column];
        if (reader.TokenType == JsonTokenType.String && IsPlaceholder(in reader))
        {
            parts.Unavailable.Add(declared.Name);
            return null;
        }

        var isTimeNumber = declared.Type == LakeType.Timestamp && reader.TokenType == JsonTokenType.Number;
        var form = FormOf(parts, declared.Name);
        var value = EnvelopeValues.Read(ref reader, declared, form);
        if (isTimeNumber && !options.AreTimesCertain && !TimeKinds.IsPlausible((long)value!) && (form.Time == TimeKind.Unknown || parts.Schema is null))
        {
            parts.DoubtfulTime = declared.Name;
        }

        return value;
    }

    private object? ValueOrNull(ref Utf8JsonReader reader, EnvelopeParts parts, int column)
    {
        var value = reader;
        reader.Skip();
        try
        {
            return value.TokenType == JsonTokenType.String && IsPlaceholder(in value) ? null : EnvelopeValues.Read(ref value, columns[column], FormOf(parts, columns[column].Name));
        }
        catch (Exception e) when (e is EnvelopeException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private bool IsPlaceholder(in Utf8JsonReader reader)
    {
        foreach (var text in _placeholders)
        {
            if (reader.ValueTextEquals(text))
            {
                return true;
            }
        }

        return false;
    }
}
