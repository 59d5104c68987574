using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Postgres.Values;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Postgres;

/// <summary>
/// Changes of one table straight into rows of the lake, equal to those that the reader of events makes of the same changes. Usual values are parsed at
/// once, others go through the event's JSON of that value alone; where anything is unusual there is no row, and the whole event decides.
/// </summary>
internal sealed class DirectRows
{
    // Of these JSON writes each as it is.
    private static readonly SearchValues<char> Plain = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:");

    // A value that was not sent is told by a text, plain, in base64 or in hex; a text of such a length is looked at by the reader of events.
    private static readonly int[] PlaceholderLengths =
    [
        EnvelopeOptions.UnavailableDefault.Length,
        Convert.ToBase64String(Encoding.UTF8.GetBytes(EnvelopeOptions.UnavailableDefault)).Length,
        Convert.ToBase64String(Encoding.UTF8.GetBytes(EnvelopeOptions.UnavailableDefault)).TrimEnd('=').Length,
        2 * EnvelopeOptions.UnavailableDefault.Length,
    ];

    private readonly DirectColumn[] _columns;
    private readonly (int Source, string Before, bool IsText)[]? _plainKey;
    private readonly int[] _keys;
    private readonly bool _isPossible;
    private readonly ChangeEnvelope _envelope;
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly Utf8JsonWriter _json = new(Stream.Null);

    public DirectRows(PostgresTable table, IReadOnlyList<SourceColumn> columns, ChangeEnvelope envelope)
    {
        _envelope = envelope;
        _columns = [.. table.Columns.Select(c => columns.Index().First(s => s.Item.Name == c.Name)).Zip(table.Columns, (s, c) => new DirectColumn(s.Index, s.Item, c))];
        _keys = [.. columns.Index().Where(c => table.KeyColumns.Contains(c.Item.Name)).Select(c => c.Index)];
        _isPossible = _keys.Length > 0 && _keys.Length == table.KeyColumns.Count;
        var isPlain = _keys.All(k => !columns[k].Name.AsSpan().ContainsAnyExcept(Plain) && (PgValues.IsText(columns[k].TypeId) || IsInteger(columns[k].TypeId)));
        _plainKey = isPlain ? [.. _keys.Select((k, i) => (k, $"{(i == 0 ? '{' : ',')}\"{columns[k].Name}\":", PgValues.IsText(columns[k].TypeId)))] : null;
    }

    /// <param name="image">Of a delete the row before it, else the row after the change.</param>
    /// <returns>Null if the event has to decide.</returns>
    public ChangeRow? TryRow(string op, SourceValue[]? image, ChangePlace place)
    {
        if (!_isPossible || image is null || place.Lsn < 0 || place.CommitMicros is < TimeKinds.LeastMicros or > TimeKinds.GreatestMicros || Key(image) is not { } key)
        {
            return null;
        }

        var values = new object?[_columns.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var source = image[_columns[i].Source];
            if (source.IsUnavailable || (source.Text is not null && !TryValue(_columns[i], source.Text, out values[i])))
            {
                return null;
            }
        }

        return new ChangeRow(op, place.Source, place.Lsn, 0, key, place.CommitMicros, [], values, place.PreviousCommitLsn);
    }

    private static bool IsInteger(uint typeId) => typeId is PgTypes.Int16 or PgTypes.Int32 or PgTypes.Int64;

    private string? Key(SourceValue[] image)
    {
        foreach (var key in _keys)
        {
            if (image[key].Text is null)
            {
                return null;
            }
        }

        if (_plainKey is null || !_plainKey.All(k => !image[k.Source].Text.AsSpan().ContainsAnyExcept(Plain)))
        {
            return EnvelopeKey.Text(_envelope.Key(image)!);
        }

        if (_plainKey is [var only])
        {
            return only.IsText ? $"{only.Before}\"{image[only.Source].Text}\"}}" : $"{only.Before}{image[only.Source].Text}}}";
        }

        var text = new StringBuilder();
        foreach (var (source, before, isText) in _plainKey)
        {
            text.Append(before).Append(isText ? "\"" : string.Empty).Append(image[source].Text).Append(isText ? "\"" : string.Empty);
        }

        return text.Append('}').ToString();
    }

    private bool TryValue(DirectColumn column, string text, out object? value)
    {
        value = null;
        switch (column.Kind)
        {
            case DirectKind.Text:
                value = text;
                return !PlaceholderLengths.Contains(text.Length);
            case DirectKind.Boolean:
                value = text == "t";
                return true;
            case DirectKind.Int64:
                var isLong = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number);
                value = number;
                return isLong;
            case DirectKind.Int32:
                var isInt = int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var small);
                value = small;
                return isInt;
            case DirectKind.Double:
                var isDouble = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real);
                value = real;
                return isDouble;
            case DirectKind.Date:
                var isDay = PlainTimes.TryDay(text, out var day);
                value = day;
                return isDay;
            case DirectKind.Timestamp or DirectKind.TimestampWithZone:
                var isTime = PlainTimes.TryMicros(text, column.Kind == DirectKind.TimestampWithZone, out var micros);
                value = micros;
                return isTime;
            default:
                return TryJson(column, text, out value);
        }
    }

    private bool TryJson(DirectColumn column, string text, out object? value)
    {
        value = null;
        _bytes.ResetWrittenCount();
        _json.Reset(_bytes);
        try
        {
            PgValues.Write(_json, column.From, text);
            _json.Flush();
            var reader = new Utf8JsonReader(_bytes.WrittenSpan);
            reader.Read();
            if (reader.TokenType == JsonTokenType.String && PlaceholderLengths.Contains(reader.ValueSpan.Length))
            {
                return false;
            }

            value = EnvelopeValues.Read(ref reader, column.To, new ColumnForm(column.From.IsMillis ? TimeKind.Milliseconds : TimeKind.Unknown, column.From.Scale));
            return true;
        }
        catch (Exception e) when (e is EnvelopeException or InvalidOperationException || PgValues.IsUnsuited(e))
        {
            // The event tells why; of a row that is deleted it makes no value of this.
            return false;
        }
    }

    private enum DirectKind
    {
        Json,
        Text,
        Boolean,
        Int64,
        Int32,
        Double,
        Date,
        Timestamp,
        TimestampWithZone,
    }

    private sealed record DirectColumn(int Source, SourceColumn From, LakeColumn To)
    {
        public DirectKind Kind { get; } = (To.Type, From.TypeId) switch
        {
            (LakeType.String, var type) when PgValues.IsText(type) => DirectKind.Text,
            (LakeType.Boolean, PgTypes.Boolean) => DirectKind.Boolean,
            (LakeType.Int64, var type) when IsInteger(type) => DirectKind.Int64,
            (LakeType.Int32, var type) when IsInteger(type) => DirectKind.Int32,
            (LakeType.Double, PgTypes.Double) => DirectKind.Double,
            (LakeType.Date, PgTypes.Date) => DirectKind.Date,
            (LakeType.Timestamp, PgTypes.Timestamp) when !From.IsMillis => DirectKind.Timestamp,
            (LakeType.Timestamp, PgTypes.TimestampWithZone) => DirectKind.TimestampWithZone,
            _ => DirectKind.Json,
        };
    }
}
