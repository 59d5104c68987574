using System.Globalization;
using System.Text.RegularExpressions;

namespace FeatureStore.Registry.Definitions;

/// <summary>Lengths of time as definitions write them: <c>14d</c>, <c>36h</c>, <c>1d12h</c>, <c>90s</c>; <c>0</c> is zero.</summary>
public static partial class DurationText
{
    /// <summary>What a message tells the user to write.</summary>
    public const string Form = "a whole number with w, d, h, m or s, such as 14d or 1d12h, at most 36500d";

    // A century: beyond any window, and far from the limits of Feast's Duration and of .NET's dates.
    private const long SecondsMax = 36_500L * 86_400;

    private static readonly (char Unit, long Seconds)[] Units = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

    /// <summary>False for what is no such length.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (text == "0")
        {
            return true;
        }

        var match = Parts().Match(text);
        if (!match.Success || text.Length == 0)
        {
            return false;
        }

        long total = 0;
        foreach (var (unit, seconds) in Units)
        {
            var group = match.Groups[unit.ToString()];
            if (!group.Success)
            {
                continue;
            }

            if (!long.TryParse(group.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count > SecondsMax / seconds)
            {
                return false;
            }

            total += count * seconds;
        }

        duration = TimeSpan.FromSeconds(Math.Min(total, SecondsMax));
        return total <= SecondsMax;
    }

    /// <summary>The shortest text in one unit that reads back as the same length; whole seconds.</summary>
    public static string Format(TimeSpan duration)
    {
        var seconds = duration.Ticks / TimeSpan.TicksPerSecond;
        var (unit, size) = Units.First(u => u.Unit != 'w' && seconds % u.Seconds == 0);
        return seconds == 0 ? "0" : string.Create(CultureInfo.InvariantCulture, $"{seconds / size}{unit}");
    }

    [GeneratedRegex(@"^(?:(?<w>[0-9]+)w)?(?:(?<d>[0-9]+)d)?(?:(?<h>[0-9]+)h)?(?:(?<m>[0-9]+)m)?(?:(?<s>[0-9]+)s)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Parts();
}
