using FeatureStore.Registry.Validation;
using FeatureStore.Registry.Yaml;

namespace FeatureStore.Registry.Definitions;

/// <summary>A feature and the expression that makes it.</summary>
/// <param name="Place">Where the expression is written.</param>
internal sealed record ExpressionDefinition(FieldDefinition Field, string Text, YamlPlace Place);

/// <summary>An on-demand view of expressions. A source names a feature view, or a request source.</summary>
internal sealed record OnDemandViewDefinition(Header Header, IReadOnlyList<ServiceItem> Sources, IReadOnlyList<ExpressionDefinition> Features);

/// <summary>Reads an on-demand view; its sources are written as the items of a feature service.</summary>
internal sealed class OnDemandViewReader(FaultList faults)
{
    public OnDemandViewDefinition Read(YamlBlock block)
    {
        var header = DefinitionParts.Header(block, "transaction_ratios");
        var sources = new FeatureServiceReader(faults).Items(block, "sources");
        if (sources.Count == 0)
        {
            block.Fault("sources", $"{block.What} has no sources; list the feature views and request sources that it reads.");
        }

        var features = block.Blocks("features", "feature").Select(Feature).ToList();
        if (features.Count == 0)
        {
            block.Fault("features", $"{block.What} has no features; list them as '- {{name: ratio, dtype: Float64, expr: \"amount / avg_amount\"}}'.");
        }

        return new OnDemandViewDefinition(header, sources, features);
    }

    private static ExpressionDefinition Feature(YamlBlock block)
    {
        var field = new FieldDefinition(block.RequiredText("name", "ratio"), DefinitionParts.Type(block, "dtype"), block.Text("description") ?? string.Empty, block.PlaceOf("name"));
        var definition = new ExpressionDefinition(field, block.RequiredText("expr", "\"amount / avg_amount\""), block.PlaceOf("expr"));
        block.RejectUnread();
        return definition;
    }
}
