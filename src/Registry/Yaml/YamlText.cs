using FeatureStore.Registry.Validation;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace FeatureStore.Registry.Yaml;

/// <summary>Reads YAML text to nodes and plain values. Faults are gathered, not thrown.</summary>
internal static class YamlText
{
    // Deeper than any definition; stops anchors that contain themselves.
    private const int DepthMax = 32;

    // Each level of a file is a frame or more on the stack.
    private const int NestingMax = 100;

    // A few lines of nested anchors can stand for billions of values; no repo has this many.
    private const int ValuesMax = 100_000;

    /// <summary>The one mapping of a file; null, with a fault, when there is none.</summary>
    /// <param name="overlay">Changes the mapping before it is read.</param>
    public static YamlBlock? Parse(string text, string file, FaultList faults, Action<YamlMappingNode>? overlay = null)
    {
        var stream = new YamlStream();
        var scanner = new Scanner(new StringReader(text));
        try
        {
            stream.Load(new BoundedParser(new Parser(scanner), NestingMax));
        }
        catch (Exception e) when (e is YamlException or InvalidOperationException or ArgumentException)
        {
            // The library has a few states in which it throws without a place: where the scanner stands is near enough.
            var (mark, reason) = e is YamlException yaml
                ? (yaml.Start, (e.InnerException ?? e).Message.TrimEnd('.'))
                : (scanner.CurrentPosition, "a bracket, a quote or a ':' is missing");
            faults.Add(YamlPlace.Of(file, mark), $"This is not YAML: {reason}. Correct the text here or on the line above.");
            return null;
        }

        var start = new YamlPlace(file, 1, 1);
        if (stream.Documents.Count != 1)
        {
            faults.Add(start, $"The file holds {stream.Documents.Count} YAML documents; write exactly one.");
            return null;
        }

        if (stream.Documents[0].RootNode is YamlMappingNode mapping)
        {
            overlay?.Invoke(mapping);
            return new YamlBlock(mapping, file, "the file", faults);
        }

        faults.Add(start, "The file does not hold keys with values; begin with a line such as 'project: my_project'.");
        return null;
    }

    /// <summary>True for a missing value, <c>~</c> and <c>null</c>, unless it is quoted.</summary>
    public static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain } scalar && scalar.Value is null or "" or "~" or "null" or "Null" or "NULL";

    /// <summary>A node as text, list or dictionary; null stays null. Numbers and booleans stay the text they are written as.</summary>
    public static object? Plain(YamlNode node, string file, FaultList faults)
    {
        var budget = ValuesMax;
        return Plain(node, file, faults, DepthMax, ref budget);
    }

    private static object? Plain(YamlNode node, string file, FaultList faults, int depth, ref int budget)
    {
        if (depth == 0 || budget-- <= 0)
        {
            if (budget >= -1)
            {
                budget = Math.Min(budget, -2);
                faults.Add(YamlPlace.Of(file, node), "The value is nested too deeply or too large; write it without anchors that repeat it.");
            }

            return null;
        }

        switch (node)
        {
            case YamlMappingNode mapping:
                var map = new Dictionary<string, object?>();
                foreach (var (key, value) in mapping.Children)
                {
                    map[(key as YamlScalarNode)?.Value ?? key.ToString()] = Plain(value, file, faults, depth - 1, ref budget);
                }

                return map;
            case YamlSequenceNode sequence:
                var list = new List<object?>();
                foreach (var item in sequence.Children)
                {
                    list.Add(Plain(item, file, faults, depth - 1, ref budget));
                }

                return list;
            default:
                return IsNull(node) ? null : (node as YamlScalarNode)?.Value;
        }
    }
}
