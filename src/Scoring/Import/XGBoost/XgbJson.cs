using System.Globalization;
using System.Text;
using FeatureStore.Scoring.Models;

namespace FeatureStore.Scoring.Import.XGBoost;

/// <summary>
/// Reads XGBoost's JSON. It is its own dialect: NaN, Infinity and -Infinity stand bare among the numbers, which no strict reader takes, and a fraction is the shortest text of a float32.
/// </summary>
internal ref struct XgbJson(ReadOnlySpan<byte> text)
{
    private const int DepthMax = 32;
    private const int ValuesMax = 5_000_000;
    private const int NumberBytesMax = 64;

    private readonly ReadOnlySpan<byte> _text = text;
    private int _at;
    private int _values;

    /// <exception cref="ModelRefusedException">The text is no JSON object, or larger than any model.</exception>
    public static XgbValue.Map Parse(ReadOnlySpan<byte> text)
    {
        var reader = new XgbJson(text);
        var value = reader.Value(0);
        reader.SkipSpace();
        return reader._at == text.Length && value is XgbValue.Map map ? map : throw reader.Bad("something else than one object");
    }

    private XgbValue Value(int depth)
    {
        SkipSpace();
        return depth > DepthMax ? throw Bad("values nested too deep")
            : Peek() switch
            {
                (byte)'{' => Object(depth),
                (byte)'[' => Array(depth),
                (byte)'"' => new XgbValue.Text(String()),
                _ => new XgbValue.Number(Number()),
            };
    }

    private XgbValue.Map Object(int depth)
    {
        _at++;
        var fields = new Dictionary<string, XgbValue>(StringComparer.Ordinal);
        for (var more = !Take('}'); more; more = Next('}'))
        {
            SkipSpace();
            var name = String();
            if (!Take(':') || !fields.TryAdd(name, Counted(depth)))
            {
                throw Bad("a field without a colon, or named twice");
            }
        }

        return new XgbValue.Map(fields);
    }

    private XgbValue Array(int depth)
    {
        _at++;
        var numbers = new List<double>();
        List<XgbValue>? items = null;
        for (var more = !Take(']'); more; more = Next(']'))
        {
            SkipSpace();
            if (items is null && Peek() is not ((byte)'{' or (byte)'[' or (byte)'"'))
            {
                numbers.Add(Number());
                continue;
            }

            items ??= numbers.Count == 0 ? [] : throw Bad("numbers and other values in one array");
            items.Add(Counted(depth));
        }

        return items is null ? new XgbValue.Numbers([.. numbers]) : new XgbValue.List(items);
    }

    private XgbValue Counted(int depth) => ++_values > ValuesMax ? throw Bad($"more than {ValuesMax:N0} values") : Value(depth + 1);

    private double Number()
    {
        var start = _at;
        while (_at < _text.Length && _text[_at] is not ((byte)',' or (byte)']' or (byte)'}' or (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t'))
        {
            _at++;
        }

        var token = _text[start.._at];
        if (token.SequenceEqual("NaN"u8) || token.SequenceEqual("-NaN"u8))
        {
            return double.NaN;
        }

        return token.SequenceEqual("Infinity"u8) ? double.PositiveInfinity
            : token.SequenceEqual("-Infinity"u8) ? double.NegativeInfinity
            : token.SequenceEqual("true"u8) ? 1
            : token.SequenceEqual("false"u8) ? 0
            : Digits(token);
    }

    /// <summary>A fraction is read as float32 at once: by way of a double it could round twice.</summary>
    private readonly double Digits(ReadOnlySpan<byte> token)
    {
        if (token.Length is 0 or > NumberBytesMax || (token[0] != '-' && !char.IsAsciiDigit((char)token[0])))
        {
            throw Bad("no value");
        }

        return token.ContainsAny(".eE"u8) && float.TryParse(token, NumberStyles.Float, CultureInfo.InvariantCulture, out var fraction) ? (double)fraction
            : long.TryParse(token, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? (double)whole
            : throw Bad("no number");
    }

    private string String()
    {
        if (Peek() != '"')
        {
            throw Bad("no text");
        }

        var start = ++_at;
        var escaped = false;
        while (Peek() != '"')
        {
            escaped |= _text[_at] == '\\';
            _at += _text[_at] == '\\' ? 2 : 1;
        }

        var inside = _text[start.._at++];
        return escaped ? Unescape(inside) : Encoding.UTF8.GetString(inside);
    }

    private readonly string Unescape(ReadOnlySpan<byte> inside)
    {
        try
        {
            return System.Text.Json.JsonSerializer.Deserialize<string>([(byte)'"', .. inside, (byte)'"'])!;
        }
        catch (System.Text.Json.JsonException)
        {
            throw Bad("a text with an escape that does not exist");
        }
    }

    private bool Take(char expected)
    {
        SkipSpace();
        var found = Peek() == expected;
        _at += found ? 1 : 0;
        return found;
    }

    /// <summary>Whether another item follows; else the closing mark was taken.</summary>
    private bool Next(char close) => !Take(close) && (Take(',') ? true : throw Bad("no comma between two values"));

    private void SkipSpace()
    {
        while (_at < _text.Length && _text[_at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            _at++;
        }
    }

    private readonly byte Peek() => _at < _text.Length ? _text[_at] : throw Bad("its end too early");

    private readonly ModelRefusedException Bad(string what) => new($"The XGBoost file is no JSON of a model: at byte {_at} it has {what}.");
}
