using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace FeatureStore.Registry.Yaml;

/// <summary>A place in a YAML file; line and column count from 1.</summary>
internal readonly record struct YamlPlace(string File, int Line, int Column)
{
    public static YamlPlace Of(string file, YamlNode node) => Of(file, node.Start);

    public static YamlPlace Of(string file, Mark mark) => new(file, (int)mark.Line, (int)mark.Column);
}
