using System.Globalization;
using FeatureStore.Scoring.Models;

namespace FeatureStore.Scoring.Import.LightGbm;

/// <summary>The <c>key=value</c> lines of the header or of one tree.</summary>
internal sealed class LightGbmSection(Dictionary<string, string> fields, string name)
{
    public static LightGbmSection Read(ReadOnlySpan<string> lines, string name)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in lines)
        {
            var parts = line.Trim().Split('=', 2);
            if (parts[0].Length > 0 && !fields.TryAdd(parts[0], parts.Length == 2 ? parts[1] : string.Empty))
            {
                throw new ModelRefusedException($"The LightGBM file has '{parts[0]}' twice in {name}.");
            }
        }

        return new LightGbmSection(fields, name);
    }

    public bool Has(string key) => fields.ContainsKey(key);

    public string Text(string key) => fields.GetValueOrDefault(key) ?? throw new ModelRefusedException($"The LightGBM file has no '{key}' in {name}.");

    public int Int(string key) => int.TryParse(Text(key), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
        ? value : throw NoNumber(key);

    public double[] Doubles(string key) => Array.ConvertAll(
        Text(key).Split(' ', StringSplitOptions.RemoveEmptyEntries),
        w => double.TryParse(w, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value
            : w.TrimStart('-') is "inf" ? (w[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity) : throw NoNumber(key));

    public int[] Ints(string key) => Array.ConvertAll(
        Text(key).Split(' ', StringSplitOptions.RemoveEmptyEntries),
        w => int.TryParse(w, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : throw NoNumber(key));

    private ModelRefusedException NoNumber(string key) => new($"The LightGBM file has no number in '{key}' of {name}.");
}
