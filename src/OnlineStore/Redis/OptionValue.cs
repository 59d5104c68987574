using System.Globalization;
using System.Numerics;
using System.Text.Json;
using FeatureStore.Contract.Values;

namespace FeatureStore.OnlineStore.Redis;

/// <summary>The right side of an option: a JSON scalar if it reads as one, else the text as it stands.</summary>
internal readonly struct OptionValue
{
    private readonly JsonValueKind _kind;

    private OptionValue(JsonValueKind kind, string? text)
    {
        _kind = kind;
        Text = text;
    }

    /// <summary>What redis-py would send for it: numbers as Python prints them, null for JSON's null.</summary>
    public string? Text { get; }

    public bool IsNull => _kind == JsonValueKind.Null;

    public int? Integer =>
        _kind == JsonValueKind.Number && int.TryParse(Text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    public double? Number =>
        _kind == JsonValueKind.Number && double.TryParse(Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Python's <c>True</c> is taken too. Its <c>False</c> is text, which Feast takes for true, so it is neither.</summary>
    public bool? Boolean => (_kind, Text) switch
    {
        (JsonValueKind.True, _) or (JsonValueKind.Number, "1") or (JsonValueKind.String, "True") => true,
        (JsonValueKind.False, _) or (JsonValueKind.Number, "0") => false,
        _ => null,
    };

    public static OptionValue Read(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            var root = json.RootElement;
            return root.ValueKind switch
            {
                JsonValueKind.Null => new OptionValue(JsonValueKind.Null, null),
                JsonValueKind.String => new OptionValue(JsonValueKind.String, root.GetString()),
                JsonValueKind.Number => new OptionValue(JsonValueKind.Number, AsPythonPrints(root.GetRawText())),
                var kind => new OptionValue(kind, text),
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return new OptionValue(JsonValueKind.String, text);
        }
    }

    private static string AsPythonPrints(string number) =>
        number.AsSpan().ContainsAny('.', 'e', 'E')
            ? FloatText.Format(double.Parse(number, CultureInfo.InvariantCulture))
            : BigInteger.Parse(number, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);
}
