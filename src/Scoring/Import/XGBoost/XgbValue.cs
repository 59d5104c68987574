using System.Globalization;
using FeatureStore.Scoring.Models;

namespace FeatureStore.Scoring.Import.XGBoost;

/// <summary>A value of an XGBoost file, whichever of its two formats it came from. Arrays of numbers are kept flat.</summary>
internal abstract record XgbValue
{
    public sealed record Text(string Value) : XgbValue;

    /// <summary>A number; fractions are float32, as XGBoost holds them. True and false are 1 and 0.</summary>
    public sealed record Number(double Value) : XgbValue;

    public sealed record Numbers(double[] Values) : XgbValue;

    public sealed record List(IReadOnlyList<XgbValue> Items) : XgbValue;

    public sealed record Map(IReadOnlyDictionary<string, XgbValue> Fields) : XgbValue
    {
        public Map Object(string name) => Fields.GetValueOrDefault(name) as Map ?? throw Missing(name, "an object");

        public Map? ObjectOrNone(string name) => Fields.GetValueOrDefault(name) as Map;

        public string String(string name) => Fields.GetValueOrDefault(name) is Text text ? text.Value : throw Missing(name, "a text");

        public string? StringOrNone(string name) => (Fields.GetValueOrDefault(name) as Text)?.Value;

        /// <summary>The items; an array of numbers counts as empty only if it is.</summary>
        public IReadOnlyList<XgbValue> Items(string name) => Fields.GetValueOrDefault(name) switch
        {
            List list => list.Items,
            Numbers { Values.Length: 0 } => [],
            _ => throw Missing(name, "a list"),
        };

        public int Length(string name) => Fields.GetValueOrDefault(name) switch
        {
            List list => list.Items.Count,
            Numbers numbers => numbers.Values.Length,
            _ => 0,
        };

        public double[] Floats(string name) => Fields.GetValueOrDefault(name) switch
        {
            Numbers numbers => numbers.Values,
            List { Items.Count: 0 } => [],
            _ => throw Missing(name, "a list of numbers"),
        };

        public int[] Ints(string name) => Array.ConvertAll(
            Floats(name), v => v is >= int.MinValue and <= int.MaxValue && v == Math.Floor(v) ? (int)v : throw Missing(name, "a list of whole numbers"));

        /// <summary>A whole number, which XGBoost writes as text.</summary>
        public int Int(string name) => int.TryParse(String(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value : throw Missing(name, "a whole number");
    }

    private static ModelRefusedException Missing(string name, string what) => new($"The XGBoost file has no '{name}' that is {what}.");
}
