using System.Globalization;
using System.Text;

namespace FeatureStore.Contract.Values;

/// <summary>
/// Integers as Python's <c>int()</c> reads them from text: surrounding blanks, one sign, decimal digits of any script,
/// and single underscores between digits. A point or an exponent makes the text no integer.
/// </summary>
internal static class IntegerText
{
    /// <summary>What a text turned out to be.</summary>
    internal enum Outcome
    {
        Integer,
        NotAnInteger,

        /// <summary>A proper integer that 64 bits cannot hold.</summary>
        TooLarge,
    }

    public static Outcome Parse(string text, out long value)
    {
        value = 0;
        var rest = text.AsSpan().Trim();
        var negative = rest.StartsWith('-');
        if (negative || rest.StartsWith('+'))
        {
            rest = rest[1..];
        }

        var tooLarge = false;
        var afterDigit = false;
        foreach (var rune in rest.EnumerateRunes())
        {
            if (rune.Value == '_' && afterDigit)
            {
                afterDigit = false;
                continue;
            }

            if (Rune.GetUnicodeCategory(rune) != UnicodeCategory.DecimalDigitNumber)
            {
                return Outcome.NotAnInteger;
            }

            // Counting downwards holds the smallest long too, whose opposite does not exist.
            tooLarge |= !TryAppend(ref value, (int)Rune.GetNumericValue(rune));
            afterDigit = true;
        }

        if (!afterDigit)
        {
            return Outcome.NotAnInteger;
        }

        tooLarge |= !negative && value == long.MinValue;
        value = tooLarge ? 0 : negative ? value : -value;
        return tooLarge ? Outcome.TooLarge : Outcome.Integer;
    }

    private static bool TryAppend(ref long value, int digit)
    {
        var next = ((Int128)value * 10) - digit;
        if (next < long.MinValue)
        {
            return false;
        }

        value = (long)next;
        return true;
    }
}
