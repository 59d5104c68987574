using FeatureStore.Registry.Snapshot;
using FeatureStore.Registry.Validation;
using FeatureStore.Registry.Yaml;
using static FeatureStore.Registry.Definitions.DefinitionParts;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Registry.Definitions;

/// <summary>Turns YAML blocks into definitions, one block at a time; what needs two blocks is for the validator.</summary>
internal sealed class DefinitionReader(FaultList faults)
{
    private static readonly string[] AggregatedKeys = ["output", "event_time", "window", "empty_window", "aggregations"];

    private readonly List<EntityDefinition> _entities = [];
    private readonly List<SourceDefinition> _sources = [];
    private readonly List<PushSourceDefinition> _pushSources = [];
    private readonly List<RequestSourceDefinition> _requestSources = [];
    private readonly List<FeatureViewDefinition> _views = [];
    private readonly List<StreamFeatureViewDefinition> _streamViews = [];
    private readonly List<OnDemandViewDefinition> _onDemandViews = [];
    private readonly List<FeatureServiceDefinition> _services = [];

    public RepoDefinitions Definitions => new(_entities, _sources, _pushSources, _requestSources, _views, _streamViews, _services) { OnDemandFeatureViews = _onDemandViews };

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
        ReadEach(root, "push_sources", "push source", PushSource, _pushSources);
        ReadEach(root, "request_sources", "request source", RequestSource, _requestSources);
        ReadEach(root, "feature_views", "feature view", FeatureView, _views);
        ReadEach(root, "stream_feature_views", "stream feature view", StreamFeatureView, _streamViews);
        ReadEach(root, "on_demand_feature_views", "on-demand feature view", new OnDemandViewReader(faults).Read, _onDemandViews);
        ReadEach(root, "feature_services", "feature service", new FeatureServiceReader(faults).Read, _services);
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

    private static PushSourceDefinition PushSource(YamlBlock block) =>
        new(Header(block, "transactions_push"), block.RequiredText("batch_source", "transactions_source"));

    private static RequestSourceDefinition RequestSource(YamlBlock block)
    {
        var header = Header(block, "transaction_request");
        var schema = Fields(block);
        if (schema.Count == 0)
        {
            block.Fault("schema", $"{block.What} has no schema; list its fields as '- {{name: amount, dtype: Float64}}'.");
        }

        return new RequestSourceDefinition(header, schema);
    }

    private static FeatureViewDefinition FeatureView(YamlBlock block)
    {
        var header = Header(block, "user_transactions_l1w");
        var aggregated = AggregatedKeys.Any(block.Has) ? Aggregated(block) : null;
        var source = aggregated is null ? block.RequiredText("source", "user_demographics_source") : block.RequiredText("output", "user_transactions_source");
        return View(block, header, source, aggregated);
    }

    private static StreamFeatureViewDefinition StreamFeatureView(YamlBlock block)
    {
        var header = Header(block, "user_transactions_stream");
        var source = block.RequiredText("source", "transactions_push");
        return new StreamFeatureViewDefinition(View(block, header, source, null), block.Text("timestamp_field") ?? string.Empty);
    }

    private static FeatureViewDefinition View(YamlBlock block, Header header, string source, AggregatedDefinition? aggregated)
    {
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
}
