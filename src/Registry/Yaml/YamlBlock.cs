using System.Globalization;
using FeatureStore.Registry.Validation;
using YamlDotNet.RepresentationModel;

namespace FeatureStore.Registry.Yaml;

/// <summary>
/// One YAML mapping, read key by key. Every wrong value becomes a fault at its place; a key that nobody read is a fault
/// once <see cref="RejectUnread"/> is called. Not safe for concurrent use.
/// </summary>
internal sealed class YamlBlock
{
    private readonly YamlMappingNode _node;
    private readonly FaultList _faults;
    private readonly Dictionary<string, (YamlNode Key, YamlNode Value)> _entries = [];
    private readonly HashSet<string> _read = [];
    private readonly Dictionary<string, YamlBlock> _blocks = [];

    public YamlBlock(YamlMappingNode node, string file, string what, FaultList faults)
    {
        (_node, File, What, _faults) = (node, file, what, faults);
        foreach (var (key, value) in node.Children)
        {
            if (key is YamlScalarNode { Value: { Length: > 0 } name })
            {
                _entries[name] = (key, value);
            }
            else
            {
                faults.Add(YamlPlace.Of(file, key), $"A key of {what} is not a name; write it as text.");
            }
        }
    }

    public string File { get; }

    /// <summary>What the block is, as messages name it, for instance <c>entity 'user'</c>.</summary>
    public string What { get; set; }

    public YamlPlace Place => YamlPlace.Of(File, _node);

    public IEnumerable<string> Keys => _entries.Keys;

    /// <summary>The keys that the reader has asked for, whether they are there or not.</summary>
    public IReadOnlySet<string> Asked => _read;

    public IEnumerable<string> Unread => _entries.Keys.Where(k => !_read.Contains(k));

    /// <summary>The place of a key's value, or of the block when the key is absent.</summary>
    public YamlPlace PlaceOf(string key) => _entries.TryGetValue(key, out var e) ? YamlPlace.Of(File, e.Value) : Place;

    public void Fault(string key, string message) => _faults.Add(PlaceOf(key), message);

    /// <summary>True if the key is there at all, with a null value too.</summary>
    public bool Has(string key) => _entries.ContainsKey(key);

    /// <summary>The value's node; null when it is absent or null.</summary>
    public YamlNode? Node(string key)
    {
        _read.Add(key);
        return _entries.TryGetValue(key, out var e) && !YamlText.IsNull(e.Value) ? e.Value : null;
    }

    public string? Text(string key)
    {
        var node = Node(key);
        if (node is null or YamlScalarNode)
        {
            return (node as YamlScalarNode)?.Value;
        }

        Fault(key, $"'{key}' of {What} must be one text, not a list or a block.");
        return null;
    }

    /// <summary>A text that must be there; empty, with a fault, when it is not.</summary>
    public string RequiredText(string key, string example)
    {
        var node = Node(key);
        var text = Text(key);
        if (node is null || text is { Length: 0 })
        {
            Fault(key, $"'{key}' of {What} is missing; add a line such as '{key}: {example}'.");
        }

        return text ?? string.Empty;
    }

    public bool Flag(string key, bool fallback)
    {
        switch (Text(key)?.ToLowerInvariant())
        {
            case null:
                return fallback;
            case "true" or "yes" or "on":
                return true;
            case "false" or "no" or "off":
                return false;
            default:
                Fault(key, $"'{key}' of {What} must be true or false.");
                return fallback;
        }
    }

    public int? Number(string key, int least, int most)
    {
        var text = Text(key);
        if (text is null)
        {
            return null;
        }

        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
        {
            return number;
        }

        Fault(key, FormattableString.Invariant($"'{key}' of {What} is '{text}'; write a whole number from {least} to {most}."));
        return null;
    }

    /// <summary>The items of a list; empty when absent.</summary>
    public IReadOnlyList<YamlNode> Items(string key)
    {
        switch (Node(key))
        {
            case null:
                return [];
            case YamlSequenceNode sequence:
                return [.. sequence.Children];
            default:
                Fault(key, $"'{key}' of {What} must be a list; begin each item with '- '.");
                return [];
        }
    }

    /// <summary>A list of texts with their places.</summary>
    public IReadOnlyList<(string Text, YamlPlace Place)> Texts(string key)
    {
        var texts = new List<(string, YamlPlace)>();
        foreach (var item in Items(key))
        {
            if (item is YamlScalarNode { Value: { Length: > 0 } text } && !YamlText.IsNull(item))
            {
                texts.Add((text, YamlPlace.Of(File, item)));
            }
            else
            {
                _faults.Add(YamlPlace.Of(File, item), $"'{key}' of {What} must be a list of names.");
            }
        }

        return texts;
    }

    /// <summary>A list of blocks, each called by <paramref name="kind"/> and its name.</summary>
    public IReadOnlyList<YamlBlock> Blocks(string key, string kind)
    {
        var blocks = new List<YamlBlock>();
        foreach (var item in Items(key))
        {
            if (item is YamlMappingNode mapping)
            {
                var block = new YamlBlock(mapping, File, kind, _faults);
                block.What = block._entries.TryGetValue("name", out var e) && e.Value is YamlScalarNode { Value: { Length: > 0 } name } ? $"{kind} '{name}'" : kind;
                blocks.Add(block);
            }
            else
            {
                _faults.Add(YamlPlace.Of(File, item), $"An item of '{key}' must be a block of keys, such as '- name: …'.");
            }
        }

        return blocks;
    }

    /// <summary>A block inside this one, the same each time; null when absent or of another shape, which only then is a fault.</summary>
    public YamlBlock? Block(string key)
    {
        switch (Node(key))
        {
            case null:
                return null;
            case YamlMappingNode mapping:
                return _blocks.TryGetValue(key, out var block) ? block : _blocks[key] = new YamlBlock(mapping, File, $"'{key}'", _faults);
            default:
                Fault(key, $"'{key}' of {What} must be a block of keys.");
                return null;
        }
    }

    /// <summary>A mapping of text to text; empty when absent.</summary>
    public IReadOnlyDictionary<string, string> TextMap(string key)
    {
        var map = new Dictionary<string, string>();
        var block = Block(key);
        foreach (var name in block?.Keys ?? [])
        {
            map[name] = block!.Text(name) ?? string.Empty;
        }

        return map;
    }

    /// <summary>Makes a fault of each key that nobody read.</summary>
    public void RejectUnread()
    {
        foreach (var key in Unread)
        {
            _faults.Add(
                YamlPlace.Of(File, _entries[key].Key),
                $"'{key}' is no key of {What}; correct it or remove it. Keys are: {string.Join(", ", Asked.Order(StringComparer.Ordinal))}.");
        }
    }
}
