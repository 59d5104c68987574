using System.Globalization;
using System.Text;

namespace FeatureStore.Contract.Tests.Values;

/// <summary>Reads the Python literals that the recordings are written in: None, numbers, text, bytes, lists, sets, dicts, and a few calls.</summary>
internal sealed class PythonLiteral(string text)
{
    // Python's nan; the sign of .NET's is set.
    private static readonly double PositiveNaN = BitConverter.Int64BitsToDouble(0x7ff8000000000000);
    private int _at;

    public static object? Parse(string text)
    {
        var literal = new PythonLiteral(text);
        var value = literal.Value();
        return literal._at == text.Length ? value : throw literal.Unread();
    }

    private object? Value()
    {
        Blank();
        return text[_at] switch
        {
            '[' => Many('[', ']').Select(p => p.Value).ToArray(),
            '{' => Braces(),
            '\'' or '"' => Quoted(),
            'b' when text[_at + 1] == '\'' => BytesLiteral(),
            _ => Word(),
        };
    }

    private object Braces()
    {
        var items = Many('{', '}');
        return items.Count > 0 && !items[0].IsPair
            ? items.Select(p => p.Value).ToArray()
            : items.ToDictionary(p => (string)p.Key!, p => p.Value);
    }

    private List<(bool IsPair, object? Key, object? Value)> Many(char open, char close)
    {
        Expect(open);
        var items = new List<(bool, object?, object?)>();
        for (Blank(); text[_at] != close; Blank())
        {
            var first = Value();
            Blank();
            if (text[_at] == ':')
            {
                _at++;
                items.Add((true, first, Value()));
            }
            else
            {
                items.Add((false, null, first));
            }

            Blank();
            _at += text[_at] == ',' ? 1 : 0;
        }

        Expect(close);
        return items;
    }

    private string Quoted()
    {
        var quote = text[_at++];
        var start = _at;
        _at = text.IndexOf(quote, _at);
        return text[start.._at++];
    }

    private byte[] BytesLiteral()
    {
        _at++;
        return Encoding.Latin1.GetBytes(Quoted());
    }

    private object? Word()
    {
        var start = _at;
        while (_at < text.Length && !",]}: (".Contains(text[_at]))
        {
            _at++;
        }

        var word = text[start.._at];
        if (_at < text.Length && text[_at] == '(')
        {
            _at = text.IndexOf(')', _at) + 1;
            return Call(word, text[(start + word.Length + 1)..(_at - 1)]);
        }

        return word switch
        {
            "None" => null,
            "True" => true,
            "False" => false,
            "nan" => PositiveNaN,
            "inf" => double.PositiveInfinity,
            "-inf" => double.NegativeInfinity,
            _ when long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
            _ when double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) => real,
            _ => throw Unread(),
        };
    }

    private object? Call(string name, string argument) => (name, argument.Trim('\'')) switch
    {
        ("UUID", var id) => Guid.Parse(id),
        ("Decimal", var number) => decimal.Parse(number, CultureInfo.InvariantCulture),
        ("np.datetime64", var time) when time.StartsWith("NaT", StringComparison.Ordinal) => null,
        ("np.datetime64", var time) => DateTimeOffset.Parse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal),
        ("array", var list) => Parse(list.Replace("1.]", "1.0]", StringComparison.Ordinal)),
        ("datetime.datetime", "2026, 11, 1, 0, 0, tzinfo=datetime.timezone.utc") => new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero),
        _ => throw Unread(),
    };

    private void Blank()
    {
        while (_at < text.Length && text[_at] == ' ')
        {
            _at++;
        }
    }

    private void Expect(char wanted)
    {
        if (text[_at++] != wanted)
        {
            throw Unread();
        }
    }

    private FormatException Unread() => new($"'{text}' is no literal that this reader knows, from character {_at} on.");
}
