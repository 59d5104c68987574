using FeatureStore.Registry.Snapshot;
using FeatureStore.Registry.Validation;
using FeatureStore.Registry.Yaml;
using YamlDotNet.RepresentationModel;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Registry.Definitions;

/// <summary>Turns YAML blocks into definitions, one block at a time; what needs two blocks is for the validator.</summary>
internal sealed class DefinitionReader(FaultList faults)
{
    private static readonly string[] AggregatedKeys = ["output", "event_time", "window", "empty_window", "aggregations"];

    private readonly List<EntityDefinition> _entities = [];
    private readonly List<SourceDefinition> _sources = [];
    private readonly List<FeatureViewDefinition> _views = [];
    private readonly List<FeatureServiceDefinition> _services = [];

    public RepoDefinitions Definitions => new(_entities, _sources, _views, _services);

    /// <summary>Reads one file; <paramref name="file"/> is its name in messages.</summary>
    public void Read(string text, string file)
    {
        var root = YamlText.Parse(text, file, faults);
        if (root is null)
        {
            return;
        }

        ReadEach(root, "entities", "entity", Entity, _entities);
        ReadEach(root, "sources", "source", Source, _sources);
        ReadEach(root, "feature_views", "feature view", FeatureView, _views);
        ReadEach(root, "feature_services", "feature service", FeatureService, _services);
        root.RejectUnread();
    }

    private static void ReadEach<T>(YamlBlock root, string key, string kind, Func<YamlBlock, T> read, List<T> into)
    {
        foreach (var block in root.Blocks(key, kind))
        {
            into.Add(read(block));
            block.RejectUnread();
        }
    }

    private static Header Header(YamlBlock block, string example) => new(
        block.RequiredText("name", example),
        block.Text("description") ?? string.Empty,
        block.Text("owner") ?? string.Empty,
        block.TextMap("tags"),
        block);

    private static EntityDefinition Entity(YamlBlock block)
    {
        var header = Header(block, "user");
        var joinKeys = block.Texts("join_keys");
        if (joinKeys.Count > 1)
        {
            block.Fault("join_keys", $"{block.What} has {joinKeys.Count} join keys; write one, and an entity for each of the others.");
        }

        var kind = Type(block, "value_type");
        if (kind != Kind.Invalid && !FieldTypes.IsKey(kind))
        {
            block.Fault("value_type", $"{block.What} is of type {FieldTypes.Text(kind)}, which no entity key holds; take String, Int32, Int64, Bytes or UnixTimestamp.");
        }

        return new EntityDefinition(header, joinKeys.Count > 0 ? joinKeys[0].Text : header.Name, kind);
    }

    private static SourceDefinition Source(YamlBlock block) => new(
        Header(block, "transactions"),
        block.RequiredText("path", "cdc/transactions"),
        block.Text("timestamp_field") ?? string.Empty,
        block.Text("created_timestamp_column") ?? string.Empty,
        block.TextMap("field_mapping"),
        Fields(block));

    private static FeatureViewDefinition FeatureView(YamlBlock block)
    {
        var header = Header(block, "user_transactions_l1w");
        var aggregated = AggregatedKeys.Any(block.Has) ? Aggregated(block) : null;
        var source = aggregated is null ? block.RequiredText("source", "user_demographics_source") : block.RequiredText("output", "user_transactions_source");
        var schema = Fields(block);
        if (schema.Count == 0)
        {
            block.Fault("schema", $"{block.What} has no schema; list its features as '- {{name: age, dtype: Int64}}'.");
        }

        return new FeatureViewDefinition(
            header, block.Texts("entities"), Duration(block, "ttl") ?? TimeSpan.Zero, block.Flag("online", true), source, schema, aggregated);
    }

    private static AggregatedDefinition Aggregated(YamlBlock block)
    {
        var source = block.RequiredText("source", "transactions");
        var eventTime = block.RequiredText("event_time", "time");
        block.RequiredText("window", "7d");
        var window = Duration(block, "window");
        if (window == TimeSpan.Zero)
        {
            block.Fault("window", $"The window of {block.What} is empty; write {DurationText.Form}.");
        }

        var empty = block.Text("empty_window") ?? "zero";
        if (empty is not ("zero" or "skip"))
        {
            block.Fault("empty_window", $"'empty_window' of {block.What} is '{empty}'; write zero (a row of zeros for an entity with history) or skip (no row).");
        }

        var aggregations = block.Blocks("aggregations", "aggregation").Select(Aggregation).ToArray();
        if (aggregations.Length == 0)
        {
            block.Fault("aggregations", $"{block.What} has no aggregations; list them as '- {{name: total, function: sum, column: amount}}'.");
        }

        return new AggregatedDefinition(source, eventTime, window ?? TimeSpan.Zero, empty == "zero", aggregations);
    }

    private static AggregationDefinition Aggregation(YamlBlock block)
    {
        var name = block.RequiredText("name", "total_amount");
        var function = block.RequiredText("function", "sum");
        if (function.Length > 0 && !AggregatedJson.Functions.Contains(function))
        {
            block.Fault("function", $"'{function}' of {block.What} is no function; write one of {string.Join(", ", AggregatedJson.Functions)}.");
        }

        // A count without a column counts rows.
        var column = function == "count" ? block.Text("column") ?? string.Empty : block.RequiredText("column", "amount");
        block.RejectUnread();
        return new AggregationDefinition(new AggregationModel(name, function, column), block);
    }

    private FeatureServiceDefinition FeatureService(YamlBlock block)
    {
        var header = Header(block, "fraud_v1");
        var items = new List<ServiceItem>();
        foreach (var node in block.Items("features"))
        {
            var place = YamlPlace.Of(block.File, node);
            if (node is YamlScalarNode { Value: { Length: > 0 } view } && !YamlText.IsNull(node))
            {
                items.Add(new ServiceItem(view, null, place));
            }
            else if (node is YamlMappingNode { Children.Count: 1 } mapping && new YamlBlock(mapping, block.File, block.What, faults) is var one && one.Keys.FirstOrDefault() is { } name)
            {
                items.Add(new ServiceItem(name, one.Texts(name), place));
            }
            else
            {
                faults.Add(place, $"An item of 'features' of {block.What} must be a view, or a view with its features such as 'user_transactions_l1w: [avg_amount_l1w]'.");
            }
        }

        if (items.Count == 0)
        {
            block.Fault("features", $"{block.What} has no features; list the views it takes.");
        }

        return new FeatureServiceDefinition(header, items);
    }

    private static List<FieldDefinition> Fields(YamlBlock block)
    {
        var fields = new List<FieldDefinition>();
        foreach (var field in block.Blocks("schema", "field"))
        {
            fields.Add(new FieldDefinition(field.RequiredText("name", "age"), Type(field, "dtype"), field.Text("description") ?? string.Empty, field.PlaceOf("name")));
            field.RejectUnread();
        }

        return fields;
    }

    private static Kind Type(YamlBlock block, string key)
    {
        var text = block.RequiredText(key, "String");
        if (text.Length > 0 && !FieldTypes.TryParse(text, out _))
        {
            block.Fault(key, $"'{text}' of {block.What} is no type; write {FieldTypes.Form}.");
        }

        return FieldTypes.TryParse(text, out var kind) ? kind : Kind.Invalid;
    }

    /// <summary>Null when the key is absent or, with a fault, not a length of time.</summary>
    private static TimeSpan? Duration(YamlBlock block, string key)
    {
        var text = block.Text(key);
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        if (DurationText.TryParse(text, out var duration))
        {
            return duration;
        }

        block.Fault(key, $"'{key}' of {block.What} is '{text}'; write {DurationText.Form}.");
        return null;
    }
}
