using System.Runtime.CompilerServices;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace FeatureStore.Registry.Yaml;

/// <summary>A place in a YAML file; line and column count from 1. A value from the environment lies at 1:1 of its variable.</summary>
internal sealed record YamlPlace(string File, int Line, int Column)
{
    // Nodes made here have no mark, and YamlDotNet lets none be set.
    private static readonly ConditionalWeakTable<YamlNode, YamlPlace> Noted = [];

    public static void Note(YamlNode node, YamlPlace place) => Noted.AddOrUpdate(node, place);

    public static YamlPlace Of(string file, YamlNode node) => Noted.TryGetValue(node, out var noted) ? noted : Of(file, node.Start);

    public static YamlPlace Of(string file, Mark mark) => new(file, (int)mark.Line, (int)mark.Column);
}
