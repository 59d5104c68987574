using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace FeatureStore.Compose.Tests;

/// <summary>A block of settings that notes which of its keys are asked for, in inner blocks too.</summary>
internal sealed class ReadKeys : IReadOnlyDictionary<string, object?>
{
    private readonly Dictionary<string, object?> _values;
    private readonly HashSet<string> _read = [];

    public ReadKeys(IReadOnlyDictionary<string, object?> values) =>
        _values = values.ToDictionary(v => v.Key, v => v.Value is IReadOnlyDictionary<string, object?> block ? new ReadKeys(block) : v.Value);

    public IEnumerable<string> Keys => _values.Keys;

    public IEnumerable<object?> Values => _values.Values;

    public int Count => _values.Count;

    public object? this[string key] => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException(key);

    /// <summary>Keys that nothing asked for, with their blocks before them.</summary>
    public IEnumerable<string> Unread() => _values.SelectMany(v =>
        !_read.Contains(v.Key) ? [v.Key] : v.Value is ReadKeys block ? block.Unread().Select(k => $"{v.Key}.{k}") : []);

    public bool ContainsKey(string key) => _values.ContainsKey(key);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out object? value)
    {
        _read.Add(key);
        return _values.TryGetValue(key, out value);
    }

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        _read.UnionWith(_values.Keys);
        return _values.GetEnumerator();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
