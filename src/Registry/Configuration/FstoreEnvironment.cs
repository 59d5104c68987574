using FeatureStore.Registry.Validation;
using FeatureStore.Registry.Yaml;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace FeatureStore.Registry.Configuration;

/// <summary>
/// Puts the environment over the <c>fstore:</c> block: <c>FSTORE__A__B</c> sets the key <c>a.b</c>, and
/// <c>FSTORE__A__B_FILE</c> sets it to the text of a file, which is how secrets come in. Values never reach a message.
/// </summary>
internal static class FstoreEnvironment
{
    private const string Block = "fstore";
    private const string Prefix = "FSTORE__";
    private const string Separator = "__";
    private const string FileSuffix = "_FILE";

    // Longer than any key, certificate or password; a wrong path may lead to anything.
    private const int FileBytesMax = 64 * 1024;

    public static void Overlay(YamlMappingNode root, IReadOnlyDictionary<string, string> environment, FaultList faults)
    {
        var setBy = new Dictionary<string, string>();
        foreach (var (variable, value) in environment.Where(e => e.Key.StartsWith(Prefix, StringComparison.Ordinal)).OrderBy(e => e.Key, StringComparer.Ordinal))
        {
            var place = new YamlPlace(variable, 1, 1);
            var isFile = variable.EndsWith(FileSuffix, StringComparison.Ordinal);
            var key = isFile ? variable[Prefix.Length..^FileSuffix.Length] : variable[Prefix.Length..];
            string[] path = [Block, .. key.ToLowerInvariant().Split(Separator)];
            if (path.Any(p => p.Length == 0))
            {
                faults.Add(place, $"The variable names no key of the {Block} block; write {Prefix}KEY or {Prefix}BLOCK{Separator}KEY.");
            }
            else if (!setBy.TryAdd(string.Join('.', path), variable))
            {
                faults.Add(place, $"The key {string.Join('.', path)} is set by {setBy[string.Join('.', path)]} too; unset one of the two.");
            }
            else if ((isFile ? FileText(value, place, faults) : value) is { } text)
            {
                Set(root, path, text, place, faults);
            }
        }
    }

    private static void Set(YamlMappingNode root, string[] path, string text, YamlPlace place, FaultList faults)
    {
        var block = root;
        foreach (var name in path[..^1])
        {
            if (!block.Children.TryGetValue(name, out var inner) || YamlText.IsNull(inner))
            {
                inner = new YamlMappingNode();
                YamlPlace.Note(inner, place);
                block.Children[name] = inner;
            }

            if (inner is not YamlMappingNode next)
            {
                faults.Add(place, $"The variable sets a key of '{name}', which has a value of its own and no keys; unset the variable, or make '{name}' a block.");
                return;
            }

            block = next;
        }

        if (block.Children.TryGetValue(path[^1], out var old) && old is YamlMappingNode or YamlSequenceNode)
        {
            faults.Add(place, $"The variable gives '{path[^1]}' one text, but it is a block or a list; set its keys one by one, as in {Prefix}…{Separator}KEY.");
            return;
        }

        // Quoted, since a secret may be the word 'null'; an empty variable is as good as none.
        var node = new YamlScalarNode(text) { Style = text.Length == 0 ? ScalarStyle.Plain : ScalarStyle.SingleQuoted };
        YamlPlace.Note(node, place);
        block.Children[path[^1]] = node;
    }

    /// <summary>The file's text without its last line break; null, with a fault, when it cannot be read.</summary>
    private static string? FileText(string path, YamlPlace place, FaultList faults)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (file.Length <= FileBytesMax)
            {
                using var reader = new StreamReader(file);
                return reader.ReadToEnd().TrimEnd('\r', '\n');
            }

            faults.Add(place, FormattableString.Invariant($"The file {path} is larger than {FileBytesMax} bytes; name the file that holds the one value."));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            faults.Add(place, $"The file '{path}' cannot be read ({e.Message}); name a file that holds the value, or unset the variable.");
        }

        return null;
    }
}
