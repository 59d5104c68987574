using System.Globalization;
using System.Text;

namespace FeatureStore.Registry.Expressions;

internal enum TokenKind
{
    End,
    Integer,
    Real,
    Text,

    /// <summary>A word: a keyword, a function or an input.</summary>
    Word,

    /// <summary>A name in double quotes, which is no keyword.</summary>
    Quoted,
    Symbol,
}

/// <summary>A token; <paramref name="Column"/> counts from 1.</summary>
internal readonly record struct Token(TokenKind Kind, string Text, int Column)
{
    public bool Is(string word) => Kind switch
    {
        TokenKind.Symbol => Text == word,
        TokenKind.Word => Text.Equals(word, StringComparison.OrdinalIgnoreCase),
        _ => false,
    };

    /// <summary>The token as messages name it.</summary>
    public string Shown => Kind == TokenKind.End ? "the end" : $"'{Text}'";
}

/// <summary>Cuts the text of an expression into tokens.</summary>
internal static class Tokenizer
{
    private static readonly string[] Symbols = ["<=", ">=", "<>", "!=", "==", "||", "(", ")", ",", "+", "-", "*", "/", "%", "<", ">", "="];

    /// <exception cref="ExpressionException">A character belongs to no token.</exception>
    public static List<Token> Read(string text)
    {
        var tokens = new List<Token>();
        var at = 0;
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at]))
            {
                at++;
            }

            if (at == text.Length)
            {
                tokens.Add(new Token(TokenKind.End, string.Empty, at + 1));
                return tokens;
            }

            tokens.Add(Next(text, ref at));
        }
    }

    private static Token Next(string text, ref int at)
    {
        var start = at;
        var first = text[at];
        if (char.IsAsciiDigit(first) || (first == '.' && at + 1 < text.Length && char.IsAsciiDigit(text[at + 1])))
        {
            return Number(text, ref at);
        }

        if (char.IsAsciiLetter(first) || first == '_')
        {
            while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] == '_'))
            {
                at++;
            }

            return new Token(TokenKind.Word, text[start..at], start + 1);
        }

        if (first is '\'' or '"')
        {
            return new Token(first == '"' ? TokenKind.Quoted : TokenKind.Text, Quoted(text, ref at), start + 1);
        }

        foreach (var symbol in Symbols)
        {
            if (string.CompareOrdinal(text, at, symbol, 0, symbol.Length) == 0)
            {
                at += symbol.Length;
                return new Token(TokenKind.Symbol, symbol, start + 1);
            }
        }

        var shown = Rune.TryGetRuneAt(text, at, out var rune) && !Rune.IsControl(rune) ? $"'{rune}'" : "a control character";
        throw new ExpressionException($"{shown} has no meaning here; texts stand in single quotes, and names that hold more than letters, digits and '_' in double quotes", start + 1);
    }

    private static Token Number(string text, ref int at)
    {
        var start = at;
        Digits(text, ref at);
        var isReal = false;
        if (at < text.Length && text[at] == '.')
        {
            isReal = true;
            at++;
            Digits(text, ref at);
        }

        if (at < text.Length && text[at] is 'e' or 'E')
        {
            isReal = true;
            at++;
            at += at < text.Length && text[at] is '+' or '-' ? 1 : 0;
            Digits(text, ref at);
        }

        var number = text[start..at];
        if ((at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '_' or '.'))
            || (isReal && !double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out _)))
        {
            throw new ExpressionException($"'{number}' is no number; write 12, 1.5 or 1e3", start + 1);
        }

        return new Token(isReal ? TokenKind.Real : TokenKind.Integer, number, start + 1);
    }

    private static void Digits(string text, ref int at)
    {
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            at++;
        }
    }

    /// <summary>The text between quotes; a doubled quote stands for one.</summary>
    private static string Quoted(string text, ref int at)
    {
        var (start, quote) = (at, text[at]);
        var content = new StringBuilder();
        for (at++; at < text.Length; at++)
        {
            if (text[at] == quote)
            {
                at++;
                if (at == text.Length || text[at] != quote)
                {
                    return content.ToString();
                }
            }

            if (!Rune.TryGetRuneAt(text, at, out var rune) || rune.Value == 0)
            {
                throw new ExpressionException("this character cannot stand in a text; remove it", at + 1);
            }

            content.Append(rune.ToString());
            at += rune.Utf16SequenceLength - 1;
        }

        throw new ExpressionException($"the quote {quote} is not closed; end the text with another", start + 1);
    }
}
