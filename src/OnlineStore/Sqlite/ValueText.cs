using System.Globalization;
using System.Text;
using Feast.Types;

namespace FeatureStore.OnlineStore.Sqlite;

/// <summary>What Feast puts in <c>value_text</c>: Python's <c>str</c> of a scalar, null for other kinds.</summary>
internal static class ValueText
{
    // Python prints a float without an exponent from 1e-4 up to, and not including, 1e16.
    private const int ExponentMin = -4;
    private const int ExponentEnd = 16;

    public static string? Of(byte[] serialized)
    {
        var value = Value.Parser.ParseFrom(serialized);
        return value.ValCase switch
        {
            Value.ValOneofCase.StringVal => value.StringVal,
            Value.ValOneofCase.Int32Val => value.Int32Val.ToString(CultureInfo.InvariantCulture),
            Value.ValOneofCase.Int64Val => value.Int64Val.ToString(CultureInfo.InvariantCulture),
            Value.ValOneofCase.DoubleVal => Float(value.DoubleVal),
            Value.ValOneofCase.FloatVal => Float(value.FloatVal),
            Value.ValOneofCase.BoolVal => value.BoolVal ? "True" : "False",
            _ => null,
        };
    }

    /// <summary>Python's <c>repr</c> of a float: the shortest digits that read back, at least one after the point.</summary>
    public static string Float(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }

        // "E16" gives too many digits; "R" gives the shortest, in either notation. Take digits and exponent out of it.
        var text = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        var mark = text.IndexOf('E', StringComparison.Ordinal);
        var shift = mark < 0 ? 0 : int.Parse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = mark < 0 ? text : text[..mark];
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var whole = point < 0 ? mantissa : mantissa[..point];
        var all = whole + (point < 0 ? string.Empty : mantissa[(point + 1)..]);
        var digits = all.TrimStart('0');
        var exponent = whole.Length - 1 + shift - (all.Length - digits.Length);
        digits = digits.TrimEnd('0');
        var sign = double.IsNegative(value) ? "-" : string.Empty;
        return digits.Length == 0 ? sign + "0.0" : sign + Layout(digits, exponent);
    }

    private static string Layout(string digits, int exponent)
    {
        var text = new StringBuilder();
        if (exponent is < ExponentMin or >= ExponentEnd)
        {
            text.Append(digits[0]);
            if (digits.Length > 1)
            {
                text.Append('.').Append(digits, 1, digits.Length - 1);
            }

            return text.Append(CultureInfo.InvariantCulture, $"e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}").ToString();
        }

        if (exponent < 0)
        {
            return text.Append("0.").Append('0', -exponent - 1).Append(digits).ToString();
        }

        var padded = digits.PadRight(exponent + 2, '0');
        return text.Append(padded, 0, exponent + 1).Append('.').Append(padded, exponent + 1, padded.Length - exponent - 1).ToString();
    }
}
