using System.Globalization;
using Feast.Types;
using Google.Protobuf;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Contract.Values;

/// <summary>
/// Turns plain values into a feature's declared type by the rules of Feast's <c>python_values_to_proto_values</c>: integers by
/// <c>int()</c> (2.7 is 2, "12" is 12), strings by <c>str()</c> (5.0 is "5.0"), timestamps in whole seconds toward zero. Null and NaN
/// are the unset value, a null timestamp is <see cref="NullTimestamp"/>, and inside lists a null is the type's zero.
/// Plain values are null, bool, int, long, float, double, decimal, string, byte[], DateTimeOffset, DateOnly, Guid,
/// <see cref="ZonedTimestamp"/>, <c>IReadOnlyList&lt;object?&gt;</c> and <c>IReadOnlyDictionary&lt;string, object?&gt;</c>.
/// </summary>
public static partial class FeatureValues
{
    /// <summary>The <c>unix_timestamp_val</c> that stands for a null, in seconds.</summary>
    public const long NullTimestamp = long.MinValue;

    private const int QuotedCharsMax = 64;
    private static readonly DateOnly Epoch = new(1970, 1, 1);

    /// <summary>Converts a column. Only of bytes does one value's form depend on the others: if all are empty, all are null.</summary>
    /// <exception cref="FeatureValueException">A value cannot become the type; its index is in the message.</exception>
    public static IReadOnlyList<Value> Column(IReadOnlyList<object?> values, Kind type)
    {
        ArgumentNullException.ThrowIfNull(values);
        var emptyBytes = type == Kind.Bytes && values.All(v => v is null or byte[] { Length: 0 });
        var converted = new Value[values.Count];
        for (var i = 0; i < converted.Length; i++)
        {
            try
            {
                converted[i] = emptyBytes ? new Value() : One(values[i], type);
            }
            catch (FeatureValueException e)
            {
                throw new FeatureValueException($"Row {i}: {e.Message}");
            }
        }

        return converted;
    }

    /// <summary>Converts one value; <see cref="Kind.Invalid"/> lets the type follow from it.</summary>
    /// <exception cref="FeatureValueException">The value cannot become the type.</exception>
    public static Value One(object? value, Kind type)
    {
        if (value is null or double.NaN or float.NaN || (value is IReadOnlyList<object?> { Count: 0 } && IsScalar(type)))
        {
            return type == Kind.UnixTimestamp ? new Value { UnixTimestampVal = NullTimestamp } : new Value();
        }

        return type switch
        {
            Kind.Invalid => Inferred(value),
            Kind.Null => new Value(),
            Kind.Bytes => new Value { BytesVal = Bytes(value) },
            Kind.String => new Value { StringVal = Text(value) },
            Kind.Int32 => new Value { Int32Val = Int32(value) },
            Kind.Int64 => new Value { Int64Val = Int64(value, type) },
            Kind.Double => new Value { DoubleVal = Double(value, type) },
            Kind.Float => new Value { FloatVal = (float)Double(value, type) },
            Kind.Bool => new Value { BoolVal = Bool(value) },
            Kind.UnixTimestamp => new Value { UnixTimestampVal = Seconds(value) },
            Kind.Json => new Value { JsonVal = Json(value) },
            Kind.Uuid => new Value { UuidVal = Uuid(value, type) },
            Kind.TimeUuid => new Value { TimeUuidVal = Uuid(value, type) },
            Kind.Decimal => new Value { DecimalVal = DecimalText(value) },
            Kind.ZonedTimestamp => new Value { ZonedTimestampVal = Zoned(value) },
            _ => Many(value, type),
        };
    }

    private static bool IsScalar(Kind type) =>
        type is <= Kind.UnixTimestamp and not Kind.Invalid or Kind.Uuid or Kind.TimeUuid or Kind.Decimal or Kind.ZonedTimestamp;

    private static ByteString Bytes(object value) => value switch
    {
        byte[] bytes => ByteString.CopyFrom(bytes),
        string text => ByteString.CopyFromUtf8(text),
        _ => throw Refuse(value, Kind.Bytes, "send bytes"),
    };

    // Python's str().
    private static string Text(object value) => value switch
    {
        string text => text,
        bool truth => truth ? "True" : "False",
        double number => FloatText.Format(number),
        float number => FloatText.Format(number),
        int or long or decimal => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        Guid id => id.ToString("D"),
        DateOnly day => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        DateTimeOffset time => time.ToString(
            time.Ticks % TimeSpan.TicksPerSecond == 0 ? "yyyy-MM-dd HH:mm:sszzz" : "yyyy-MM-dd HH:mm:ss.ffffffzzz", CultureInfo.InvariantCulture),
        _ => throw Refuse(value, Kind.String, "send one text"),
    };

    private static int Int32(object value) => Int64(value, Kind.Int32) is >= int.MinValue and <= int.MaxValue and var number
        ? (int)number
        : throw Refuse(value, Kind.Int32, "it must fit 32 bits");

    // Python's int(): towards zero.
    private static long Int64(object value, Kind type)
    {
        switch (value)
        {
            case long number:
                return number;
            case int number:
                return number;
            case bool truth:
                return truth ? 1 : 0;
            case float or double or decimal:
                var truncated = decimal.MinValue;
                if (value is decimal exact)
                {
                    truncated = decimal.Truncate(exact);
                }
                else if (Convert.ToDouble(value, CultureInfo.InvariantCulture) is > long.MinValue and < long.MaxValue and var real)
                {
                    return (long)real;
                }

                return truncated is >= long.MinValue and <= long.MaxValue ? (long)truncated : throw Refuse(value, type, "it must fit 64 bits");
            case string text:
                return IntegerText.Parse(text, out var parsed) switch
                {
                    IntegerText.Outcome.Integer => parsed,
                    IntegerText.Outcome.TooLarge => throw Refuse(value, type, "it must fit 64 bits"),
                    _ => throw Refuse(value, type, "send an integer"),
                };
            default:
                throw Refuse(value, type, "send an integer");
        }
    }

    private static double Double(object value, Kind type) => value switch
    {
        double number => number,
        float number => number,
        long or int or decimal => Convert.ToDouble(value, CultureInfo.InvariantCulture),
        bool truth => truth ? 1 : 0,
        _ => throw Refuse(value, type, "send a number, not text"),
    };

    private static bool Bool(object value) => value switch
    {
        bool truth => truth,
        int or long or float or double when Convert.ToDouble(value, CultureInfo.InvariantCulture) is 0 or 1 => Convert.ToDouble(value, CultureInfo.InvariantCulture) == 1,
        _ => throw Refuse(value, Kind.Bool, "send true or false"),
    };

    private static long Seconds(object value) => value switch
    {
        // Toward zero, as Feast cuts: half a second before 1970 is 1970.
        DateTimeOffset time => (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerSecond,
        DateOnly day => (day.DayNumber - Epoch.DayNumber) * 86_400L,
        _ => Int64(value, Kind.UnixTimestamp),
    };

    private static string Uuid(object value, Kind type) => value switch
    {
        Guid id => id.ToString("D"),
        string text when Guid.TryParse(text, out _) => text,
        _ => throw Refuse(value, type, "send a UUID such as 123e4567-e89b-12d3-a456-426614174000"),
    };

    private static string DecimalText(object value) => value switch
    {
        string text when decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _) => text,
        decimal or int or long => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        double number => FloatText.Format(number),
        float number => FloatText.Format(number),
        _ => throw Refuse(value, Kind.Decimal, "send a decimal number as text, such as \"1.10\""),
    };

    private static ZonedTimestamp Zoned(object value)
    {
        if (value is ZonedTimestamp zoned)
        {
            return zoned;
        }

        if (value is DateTimeOffset time)
        {
            return new ZonedTimestamp { UnixTimestamp = Seconds(time), Zone = ZonedTime.Name(time.Offset) };
        }

        return value is string text && ZonedTime.TryParse(text, out var parsed)
            ? parsed
            : throw Refuse(value, Kind.ZonedTimestamp, "send an ISO 8601 time, with its offset");
    }

    private static FeatureValueException Refuse(object value, Kind type, string wayOut)
    {
        var text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? string.Empty;
        var shown = value is not (string or bool or int or long or float or double or decimal) ? $"a {value.GetType().Name}"
            : text.Length <= QuotedCharsMax ? $"'{text}'" : $"'{text[..QuotedCharsMax]}…'";
        return new FeatureValueException($"{shown} does not suit type {type.ToString().ToUpperInvariant()}: {wayOut}.");
    }
}

/// <summary>A value cannot become its feature's type; the message names value, type and the way out, the caller adds the feature.</summary>
public sealed class FeatureValueException(string message) : Exception(message);
