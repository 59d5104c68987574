using System.Text;
using System.Text.Json;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Debezium;

/// <summary>
/// Writes Debezium's change event (without <c>schema</c>): <c>before</c>, <c>after</c>, <c>source</c>, <c>op</c>, <c>ts_us</c>.
/// Timestamps are microseconds (<c>io.debezium.time.MicroTimestamp</c>), dates days since the epoch (<c>io.debezium.time.Date</c>).
/// </summary>
public static class EnvelopeWriter
{
    private static readonly DateOnly Epoch = new(1970, 1, 1);

    /// <summary>The event of one change; a delete carries its values as the before image.</summary>
    public static byte[] Write(string table, IReadOnlyList<LakeColumn> columns, ChangeRow row)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            WriteImage(json, "before", columns, row.Op == "d" ? row.Values : null);
            WriteImage(json, "after", columns, row.Op == "d" ? null : row.Values);
            json.WriteStartObject("source");
            json.WriteString("connector", "fstore");
            json.WriteString("name", row.Source);
            json.WriteString("table", table);
            json.WriteNumber("lsn", row.Lsn);
            json.WriteNumber("ts_us", row.CommitTimeMicros);
            json.WriteEndObject();
            json.WriteString("op", row.Op);
            json.WriteNumber("ts_us", row.CommitTimeMicros);
            json.WriteEndObject();
        }

        return bytes.ToArray();
    }

    /// <summary>A primary key of one text column, as the message key.</summary>
    public static byte[] Key(string column, string value)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString(column, value);
            json.WriteEndObject();
        }

        return bytes.ToArray();
    }

    /// <summary>The key as the lake keeps it.</summary>
    public static string KeyText(byte[] key) => Encoding.UTF8.GetString(key);

    private static void WriteImage(Utf8JsonWriter json, string name, IReadOnlyList<LakeColumn> columns, object?[]? values)
    {
        if (values is null)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        for (var i = 0; i < columns.Count; i++)
        {
            json.WritePropertyName(columns[i].Name);
            WriteValue(json, values[i]);
        }

        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case double number when !double.IsFinite(number):
                json.WriteStringValue(double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
                break;
            case double number:
                json.WriteNumberValue(number);
                break;
            case long number:
                json.WriteNumberValue(number);
                break;
            case int number:
                json.WriteNumberValue(number);
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case DateOnly date:
                json.WriteNumberValue(date.DayNumber - Epoch.DayNumber);
                break;
            default:
                throw new ArgumentException($"A change event cannot carry a {value.GetType().Name}.", nameof(value));
        }
    }
}
