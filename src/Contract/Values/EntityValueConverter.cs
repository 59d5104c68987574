using System.Text.Json;
using Feast.Types;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Contract.Values;

/// <summary>
/// Turns what a request sends for an entity into the type of the view's entity column, by the rules Feast's server
/// inherits from Python: <c>int()</c> for integers, so that <c>1001.9</c> and <c>"1001"</c> are 1001 and <c>true</c> is
/// 1, and <c>str()</c> for strings, so that <c>7</c> is "7" and <c>true</c> is "True".
/// <see cref="Kind.Invalid"/> stands for a column no view declares; its type follows from the value. A null is refused.
/// </summary>
public static class EntityValueConverter
{
    private const double TwoToThe63 = 9223372036854775808.0;
    private const int QuotedCharsMax = 64;

    /// <summary>Converts a text; only strings, integers and timestamps (seconds) can come from one.</summary>
    /// <exception cref="EntityValueException">The text cannot become the type.</exception>
    public static Value FromText(string text, Kind type)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (type is Kind.String or Kind.Invalid)
        {
            return new Value { StringVal = text };
        }

        if (!IsInteger(type))
        {
            throw Refuse(text, type, type switch
            {
                Kind.Double or Kind.Float => "send a number, not text",
                Kind.Bool => "send true or false, not text",
                _ => "only integers, strings and timestamps can be sent as text",
            });
        }

        return IntegerText.Parse(text, out var number) switch
        {
            IntegerText.Outcome.Integer => FromInteger(number, type, text),
            IntegerText.Outcome.TooLarge => throw OutOfRange(text, type),
            _ => throw Refuse(text, type, "send an integer such as 1001 or \"1001\""),
        };
    }

    /// <summary>Converts one element of a request's JSON list.</summary>
    /// <exception cref="EntityValueException">The element is null, a list or an object, or cannot become the type.</exception>
    public static Value FromJson(JsonElement element, Kind type) => element.ValueKind switch
    {
        JsonValueKind.String => FromText(Text(element), type),
        JsonValueKind.Number => FromNumber(element, type),
        JsonValueKind.True or JsonValueKind.False => FromBoolean(element.GetBoolean(), type),
        JsonValueKind.Null or JsonValueKind.Undefined => throw Refuse("null", type, "leave the row out or send a value"),
        _ => throw Refuse(element.GetRawText(), type, "send one scalar per row"),
    };

    private static Value FromNumber(JsonElement element, Kind type)
    {
        var raw = element.GetRawText();
        var isFloat = raw.AsSpan().IndexOfAny('.', 'e', 'E') >= 0;
        switch (type)
        {
            case Kind.String:
                return new Value { StringVal = isFloat ? FloatText.Format(element.GetDouble()) : raw == "-0" ? "0" : raw };
            case Kind.Double:
            case Kind.Invalid when isFloat:
                return new Value { DoubleVal = element.GetDouble() };
            case Kind.Float:
                return new Value { FloatVal = (float)element.GetDouble() };
            case Kind.Bool when raw is "0" or "1":
                return new Value { BoolVal = raw == "1" };
        }

        if (!IsInteger(type) && type != Kind.Invalid)
        {
            throw Refuse(raw, type, type == Kind.Bool ? "send true or false" : "a number cannot become this type");
        }

        return isFloat ? FromInteger(Truncate(element.GetDouble(), type, raw), type, raw)
            : element.TryGetInt64(out var number) ? FromInteger(number, type, raw)
            : throw OutOfRange(raw, type);
    }

    private static Value FromBoolean(bool value, Kind type) => type switch
    {
        Kind.Bool or Kind.Invalid => new Value { BoolVal = value },
        Kind.String => new Value { StringVal = value ? "True" : "False" },
        _ when IsInteger(type) => FromInteger(value ? 1 : 0, type, ""),
        _ => throw Refuse(value ? "true" : "false", type, "a truth value cannot become this type"),
    };

    private static Value FromInteger(long number, Kind type, string text) => type switch
    {
        Kind.Int32 when number is >= int.MinValue and <= int.MaxValue => new Value { Int32Val = (int)number },
        Kind.Int32 => throw OutOfRange(text, type),
        Kind.UnixTimestamp => new Value { UnixTimestampVal = number },
        _ => new Value { Int64Val = number },
    };

    // The lower bound is a long itself; the upper one is the first double that is none.
    private static long Truncate(double number, Kind type, string text) =>
        number is >= -TwoToThe63 and < TwoToThe63 ? (long)number : throw OutOfRange(text, type);

    private static bool IsInteger(Kind type) => type is Kind.Int32 or Kind.Int64 or Kind.UnixTimestamp;

    private static string Text(JsonElement element)
    {
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException fault)
        {
            throw new EntityValueException("An entity value holds half of a surrogate pair; send valid Unicode text.", fault);
        }
    }

    private static EntityValueException OutOfRange(string text, Kind type) =>
        Refuse(text, type, type == Kind.Int32 ? "it must fit 32 bits" : "it must fit 64 bits");

    private static EntityValueException Refuse(string text, Kind type, string wayOut)
    {
        var shown = text.Length <= QuotedCharsMax ? text : text[..QuotedCharsMax] + "…";
        var name = type == Kind.Invalid ? "an undeclared column" : $"type {type.ToString().ToUpperInvariant()}";
        return new EntityValueException($"Entity value '{shown}' does not suit {name}: {wayOut}.", null);
    }
}

/// <summary>A request's entity value cannot become its column's type; the message names value, type and the way out, the caller adds the join key.</summary>
public sealed class EntityValueException(string message, Exception? cause) : Exception(message, cause);
