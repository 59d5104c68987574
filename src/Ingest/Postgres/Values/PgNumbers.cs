using System.Globalization;
using System.Numerics;

namespace FeatureStore.Ingest.Postgres.Values;

/// <summary>PostgreSQL's texts of numbers in the forms that Debezium gives them.</summary>
internal static class PgNumbers
{
    private const int PlainDigitsMax = 7; // Java writes 10⁻³ to 10⁷ without an exponent.
    private const int PlainZerosMax = 2;

    /// <summary>A finite floating number as Java writes it (<c>Double.toString</c> of Java 19 and later): at least one digit after the point.</summary>
    /// <param name="isSingle">True for four bytes.</param>
    public static string Floating(string text, bool isSingle)
    {
        // Most are in that form already, since PostgreSQL too prints the shortest digits.
        var bare = text.AsSpan(text.StartsWith('-') ? 1 : 0);
        var point = bare.IndexOf('.');
        if ((point < 0 ? bare.Length : point) <= PlainDigitsMax && !bare.Contains('e') && !bare.StartsWith("0.000"))
        {
            return point < 0 ? text + ".0" : text;
        }

        var shortest = isSingle
            ? Shortest(float.Parse(text, CultureInfo.InvariantCulture), f => f.ToString("E1", CultureInfo.InvariantCulture))
            : Shortest(double.Parse(text, CultureInfo.InvariantCulture), d => d.ToString("E1", CultureInfo.InvariantCulture));
        return Java(shortest);
    }

    /// <summary>A numeric's digits without their point, and how many stood behind it.</summary>
    public static (BigInteger Unscaled, int Scale) Decimal(string text)
    {
        var point = text.IndexOf('.', StringComparison.Ordinal);
        var digits = point < 0 ? text : text.Remove(point, 1);
        return (BigInteger.Parse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture), point < 0 ? 0 : text.Length - point - 1);
    }

    /// <summary>The unscaled number at another scale; digits beyond it are cut.</summary>
    public static BigInteger Rescaled(BigInteger unscaled, int from, int to) =>
        to >= from ? unscaled * BigInteger.Pow(10, to - from) : unscaled / BigInteger.Pow(10, from - to);

    /// <summary>Money as hundredths, whatever currency and separators the server's locale prints.</summary>
    public static BigInteger Hundredths(string text)
    {
        var digits = new string([.. text.Where(char.IsAsciiDigit)]);
        var number = text.AsSpan(0, text.AsSpan().LastIndexOfAnyInRange('0', '9') + 1);
        var hasFraction = number.Length > 2 && number[^3] is '.' or ',';
        var value = BigInteger.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture) * (hasFraction ? 1 : 100);
        return text.Contains('-', StringComparison.Ordinal) || text.StartsWith('(') ? -value : value;
    }

    /// <summary>A bit string as the bytes of its number, the least first, without zeros at the end.</summary>
    public static byte[] Bits(string text)
    {
        var bytes = new byte[(text.Length + 7) / 8];
        for (var i = 0; i < text.Length; i++)
        {
            var bit = text.Length - 1 - i;
            bytes[bit / 8] |= (byte)(text[i] switch { '1' => 1 << (bit % 8), '0' => 0, _ => throw new FormatException("No bit string.") });
        }

        return bytes[..(bytes.AsSpan().LastIndexOfAnyExcept((byte)0) + 1)];
    }

    // One digit is not enough for Java: of the two-digit numbers that are read as this one it takes the nearest.
    private static string Shortest<T>(T value, Func<T, string> twoDigits)
        where T : struct, IBinaryFloatingPointIeee754<T>
    {
        var two = twoDigits(value);
        return T.Parse(two, CultureInfo.InvariantCulture).Equals(value) ? two : value.ToString(null, CultureInfo.InvariantCulture);
    }

    private static string Java(string shortest)
    {
        var (sign, text) = shortest[0] == '-' ? ("-", shortest[1..]) : (string.Empty, shortest);
        var parts = text.Split('E');
        var point = parts[0].IndexOf('.', StringComparison.Ordinal);
        var all = parts[0].Replace(".", string.Empty, StringComparison.Ordinal);
        var leading = all.Length - all.TrimStart('0').Length;
        var digits = all.Trim('0');
        if (digits.Length == 0)
        {
            return sign + "0.0";
        }

        // 0.d₁d₂… × 10^magnitude
        var magnitude = (point < 0 ? all.Length : point) - leading + (parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
        if (magnitude > PlainDigitsMax || magnitude < -PlainZerosMax)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{sign}{digits[0]}.{(digits.Length > 1 ? digits[1..] : "0")}E{magnitude - 1}");
        }

        return magnitude <= 0
            ? $"{sign}0.{new string('0', -magnitude)}{digits}"
            : digits.Length > magnitude ? $"{sign}{digits[..magnitude]}.{digits[magnitude..]}" : $"{sign}{digits.PadRight(magnitude, '0')}.0";
    }
}
