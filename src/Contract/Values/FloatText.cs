using System.Globalization;

namespace FeatureStore.Contract.Values;

/// <summary>
/// Doubles as Python prints them: the shortest digits that read back equal, always with a point or an exponent, and an
/// exponent only below 1e-4 and from 1e16 on (<c>7.0</c>, <c>1e+308</c>, <c>5e-324</c>). Feast's JSON and its text keys hold this form.
/// </summary>
public static class FloatText
{
    private const int FixedExponentMin = -4;
    private const int FixedExponentMax = 15;
    private const double FixedMin = 1e-4;
    private const double FixedEnd = 1e16;

    /// <summary>The text of a number; what is not finite is <c>nan</c>, <c>inf</c> or <c>-inf</c>.</summary>
    public static string Format(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }

        // .NET finds the same shortest digits; only where it puts point and exponent differs.
        var shortest = value.ToString("R", CultureInfo.InvariantCulture);
        var exponentMark = shortest.IndexOf('E', StringComparison.Ordinal);
        if (exponentMark < 0 && Math.Abs(value) is 0 or (>= FixedMin and < FixedEnd))
        {
            return shortest.Contains('.', StringComparison.Ordinal) ? shortest : shortest + ".0";
        }

        var sign = shortest[0] == '-' ? "-" : "";
        var mantissa = exponentMark < 0 ? shortest[sign.Length..] : shortest[sign.Length..exponentMark];
        var exponent = exponentMark < 0 ? 0 : int.Parse(shortest.AsSpan(exponentMark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var padded = mantissa.Replace(".", "", StringComparison.Ordinal);
        var digits = padded.TrimStart('0');

        // value = d.ddd * 10^exponent, where d is the first digit that is not zero.
        exponent += (point < 0 ? mantissa.Length : point) - 1 - (padded.Length - digits.Length);
        digits = digits.TrimEnd('0');
        return sign + (exponent is >= FixedExponentMin and <= FixedExponentMax ? Fixed(digits, exponent) : Scientific(digits, exponent));
    }

    private static string Fixed(string digits, int exponent)
    {
        if (exponent < 0)
        {
            return "0." + new string('0', -exponent - 1) + digits;
        }

        var whole = digits.PadRight(exponent + 1, '0');
        return digits.Length > exponent + 1 ? digits.Insert(exponent + 1, ".") : whole + ".0";
    }

    private static string Scientific(string digits, int exponent)
    {
        var mantissa = digits.Length > 1 ? digits.Insert(1, ".") : digits;
        return string.Create(CultureInfo.InvariantCulture, $"{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
    }
}
