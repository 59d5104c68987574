using System.Globalization;
using System.Text.RegularExpressions;
using FeatureStore.Registry.Validation;
using FeatureStore.Registry.Yaml;
using YamlDotNet.RepresentationModel;

namespace FeatureStore.Registry.Definitions;

/// <summary>
/// Reads a feature service. An item is a reference as Feast writes it (<c>view</c>, <c>view@v2</c>, <c>view:feature</c>), a view
/// with some features (<c>view: [feature]</c>), or a block that has the key <c>view</c> and says the rest key by key.
/// </summary>
internal sealed partial class FeatureServiceReader(FaultList faults)
{
    private const string ViewKey = "view";
    private static readonly Dictionary<string, string> NoMap = [];

    public FeatureServiceDefinition Read(YamlBlock block)
    {
        var header = DefinitionParts.Header(block, "fraud_v1");
        var items = Items(block, "features");
        if (items.Count == 0)
        {
            block.Fault("features", $"{block.What} has no features; list the views it takes.");
        }

        return new FeatureServiceDefinition(header, items, block.Flag("precompute_online", false));
    }

    /// <summary>The items of a list of views.</summary>
    public List<ServiceItem> Items(YamlBlock block, string key)
    {
        var items = new List<ServiceItem>();
        foreach (var item in block.Items(key).Select(node => Item(block, key, node)).OfType<ServiceItem>())
        {
            Add(items, item);
        }

        return items;
    }

    /// <summary>References to single features of one view make one item, as in Feast.</summary>
    private static void Add(List<ServiceItem> items, ServiceItem item)
    {
        var same = items.FindIndex(i => i is { Features: not null, Alias: null } && i.View == item.View && i.VersionTag == item.VersionTag && i.JoinKeyMap.Count == 0);
        if (same >= 0 && item is { Features.Count: 1, Alias: null, JoinKeyMap.Count: 0 })
        {
            items[same] = items[same] with { Features = [.. items[same].Features!, .. item.Features!] };
        }
        else
        {
            items.Add(item);
        }
    }

    private ServiceItem? Item(YamlBlock service, string key, YamlNode node)
    {
        var place = YamlPlace.Of(service.File, node);
        switch (node)
        {
            case YamlScalarNode { Value: { Length: > 0 } text } when !YamlText.IsNull(node) && Reference().Match(text) is { Success: true } reference:
                return new ServiceItem(
                    reference.Groups["view"].Value,
                    reference.Groups["feature"].Success ? [(reference.Groups["feature"].Value, place)] : null,
                    null,
                    NoMap,
                    reference.Groups["version"].Success ? int.Parse(reference.Groups["version"].Value, CultureInfo.InvariantCulture) : null,
                    place);
            case YamlMappingNode mapping when Block(mapping, service) is var block && block.Has(ViewKey) && mapping.Children[ViewKey] is YamlScalarNode:
                return Whole(block, place);
            case YamlMappingNode { Children.Count: 1 } mapping when Block(mapping, service) is var one && one.Keys.FirstOrDefault() is { } name:
                return new ServiceItem(name, one.Texts(name), null, NoMap, null, place);
            default:
                faults.Add(
                    place,
                    $"An item of '{key}' of {service.What} must be a view, a view with its features such as 'user_transactions_l1w: [avg_amount_l1w]', or a block with the key '{ViewKey}'.");
                return null;
        }
    }

    private ServiceItem Whole(YamlBlock block, YamlPlace place)
    {
        var view = block.RequiredText(ViewKey, "user_transactions_l1w");
        var alias = block.Text("with_name");
        if (alias is not null && !Name().IsMatch(alias))
        {
            block.Fault("with_name", $"The name '{alias}' may hold letters, digits and '_', and begins with a letter; choose another.");
        }

        var features = block.Node("features") is null ? null : block.Texts("features");
        var item = new ServiceItem(view, features, alias, block.TextMap("join_key_map"), block.Number("version_tag", 0, int.MaxValue), place);
        block.RejectUnread();
        return item;
    }

    private YamlBlock Block(YamlMappingNode mapping, YamlBlock service) => new(mapping, service.File, $"an item of {service.What}", faults);

    [GeneratedRegex(@"^(?<view>[^:@]+)(?:@(?:latest|v(?<version>[0-9]{1,9})))?(?::(?<feature>[^:]+))?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Reference();

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9_]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}
