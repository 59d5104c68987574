using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace FeatureStore.Registry.Yaml;

/// <summary>Hands on a parser's events and stops at too deep a nesting, which would overflow the stack of whoever loads it: that cannot be caught.</summary>
internal sealed class BoundedParser(IParser parser, int depthMax) : IParser
{
    private int _depth;

    public ParsingEvent? Current => parser.Current;

    public bool MoveNext()
    {
        if (!parser.MoveNext())
        {
            return false;
        }

        _depth += parser.Current!.NestingIncrease;
        return _depth <= depthMax
            ? true
            : throw new YamlException(parser.Current.Start, parser.Current.End, $"Brackets and lists are nested more than {depthMax} deep");
    }
}
