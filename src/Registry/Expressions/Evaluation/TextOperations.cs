using System.Globalization;
using System.Text;

namespace FeatureStore.Registry.Expressions.Evaluation;

/// <summary>Operations that make texts. Characters are Unicode code points; nothing depends on a language.</summary>
internal static class TextOperations
{
    // Above every half of a pair, and their own place in the order of code points.
    private const int AfterSurrogates = 0xE000;
    private const int FirstSurrogate = 0xD800;
    private const int SurrogateShift = 0x2000;
    private const int OthersShift = 0x800;
    private static readonly char[] Blanks = TextLimits.Blanks.ToCharArray();

    public static Evaluator<string> Compile(CallExpression call)
    {
        var arguments = call.Arguments;
        return call.Operation switch
        {
            Operation.Lower => Of(arguments[0], static s => Mapped(s, static c => c is >= 'A' and <= 'Z' ? (char)(c + ('a' - 'A')) : c)),
            Operation.Upper => Of(arguments[0], static s => Mapped(s, static c => c is >= 'a' and <= 'z' ? (char)(c - ('a' - 'A')) : c)),
            Operation.Trim => Of(arguments[0], static s => s.Trim(Blanks)),
            Operation.Concat => Concat([.. arguments.Select(ExpressionCompiler.Texts)]),
            Operation.Substr => Substr(arguments),
            Operation.ToText => ToText(arguments[0]),
            _ => throw ExpressionCompiler.Unknown(call),
        };
    }

    /// <summary>The order of code points, which is that of the UTF-8 bytes.</summary>
    public static int Compare(string left, string right)
    {
        var length = Math.Min(left.Length, right.Length);
        for (var i = 0; i < length; i++)
        {
            if (left[i] != right[i])
            {
                return Place(left[i]) - Place(right[i]);
            }
        }

        return left.Length - right.Length;
    }

    private static int Place(char character) =>
        character < FirstSurrogate ? character : character < AfterSurrogates ? character + SurrogateShift : character - OthersShift;

    private static Evaluator<string> Of(Expression argument, Func<string, string> operation)
    {
        var operand = ExpressionCompiler.Texts(argument);
        return (InputBatch inputs, int row, out string value) =>
        {
            var isThere = operand(inputs, row, out value);
            value = isThere ? operation(value) : value;
            return isThere;
        };
    }

    private static string Mapped(string text, Func<char, char> map) => string.Create(text.Length, (text, map), static (span, state) =>
    {
        for (var i = 0; i < span.Length; i++)
        {
            span[i] = state.map(state.text[i]);
        }
    });

    private static Evaluator<string> Concat(Evaluator<string>[] parts) => (InputBatch inputs, int row, out string value) =>
    {
        var texts = new string[parts.Length];
        long bytes = 0;
        for (var i = 0; i < parts.Length; i++)
        {
            if (!parts[i](inputs, row, out texts[i]))
            {
                value = string.Empty;
                return false;
            }

            bytes += Encoding.UTF8.GetByteCount(texts[i]);
        }

        value = bytes <= TextLimits.BytesMax ? string.Concat(texts) : string.Empty;
        return bytes <= TextLimits.BytesMax;
    };

    private static Evaluator<string> Substr(IReadOnlyList<Expression> arguments)
    {
        var (text, start) = (ExpressionCompiler.Texts(arguments[0]), ExpressionCompiler.Integers(arguments[1]));
        var count = arguments.Count > 2 ? ExpressionCompiler.Integers(arguments[2]) : null;
        return (InputBatch inputs, int row, out string value) =>
        {
            var most = long.MaxValue;
            if (!text(inputs, row, out value) || !start(inputs, row, out var first) || (count is not null && !count(inputs, row, out most)) || first < 1 || most < 0)
            {
                return false;
            }

            var from = Skip(value, 0, first - 1);
            value = value[from..Skip(value, from, most)];
            return true;
        };
    }

    /// <summary>The place after a number of characters, or the end.</summary>
    private static int Skip(string text, int from, long characters)
    {
        for (; characters > 0 && from < text.Length; characters--)
        {
            from += char.IsHighSurrogate(text[from]) ? 2 : 1;
        }

        return from;
    }

    private static Evaluator<string> ToText(Expression argument)
    {
        if (argument.Type == ExpressionType.Bool)
        {
            var truth = ExpressionCompiler.Truths(argument);
            return (InputBatch inputs, int row, out string value) =>
            {
                var isThere = truth(inputs, row, out var isTrue);
                value = isTrue ? "true" : "false";
                return isThere;
            };
        }

        var integer = ExpressionCompiler.Integers(argument);
        return (InputBatch inputs, int row, out string value) =>
        {
            var isThere = integer(inputs, row, out var number);
            value = isThere ? number.ToString(CultureInfo.InvariantCulture) : string.Empty;
            return isThere;
        };
    }
}
