using System.Globalization;
using FeatureStore.Registry.Definitions;

namespace FeatureStore.Cli.Composition;

/// <summary>A block of settings whose faults name its place. What was not asked for when <see cref="RejectUnread"/> is called is a fault.</summary>
internal sealed class SettingBlock(string place, object? value)
{
    private readonly IReadOnlyDictionary<string, object?> _values = value switch
    {
        null => new Dictionary<string, object?>(),
        IReadOnlyDictionary<string, object?> block => block,
        _ => throw new UsageException($"{place} must be a block of keys."),
    };

    private readonly HashSet<string> _read = [];

    public string Place => place;

    public IEnumerable<string> Keys => _values.Keys;

    public object? Value(string key)
    {
        _read.Add(key);
        return _values.GetValueOrDefault(key);
    }

    public string? Text(string key) => Value(key) switch
    {
        null => null,
        string { Length: > 0 } text => text,
        _ => throw Fault(key, "must be a text"),
    };

    public int Number(string key, int fallback, int min, int max) => Text(key) switch
    {
        null => fallback,
        var text when int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max => number,
        var text => throw Fault(key, $"is '{text}'; write a number from {min} to {max}"),
    };

    public bool Flag(string key, bool fallback) => Text(key) switch
    {
        null => fallback,
        "true" => true,
        "false" => false,
        var text => throw Fault(key, $"is '{text}'; write true or false"),
    };

    public TimeSpan Duration(string key, TimeSpan fallback, TimeSpan max) => Text(key) switch
    {
        null => fallback,
        var text when DurationText.TryParse(text, out var duration) && duration <= max => duration,
        var text => throw Fault(key, $"is '{text}'; write {DurationText.Form}, and no more than {max.TotalHours:0}h"),
    };

    public SettingBlock Block(string key) => new($"{place}.{key}", Value(key));

    /// <summary>The items of a list; null where the key is absent.</summary>
    public IReadOnlyList<object?>? List(string key) => Value(key) switch
    {
        null => null,
        string text => [text],
        IReadOnlyList<object?> list => list,
        _ => throw Fault(key, "must be a list"),
    };

    public UsageException Fault(string key, string what) => new($"{place}.{key} {what}.");

    public void RejectUnread()
    {
        if (_values.Keys.FirstOrDefault(k => !_read.Contains(k)) is { } key)
        {
            throw Fault(key, $"is no key here; there are {string.Join(", ", _read.Order(StringComparer.Ordinal))}");
        }
    }
}
