using Feast.Core;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Definitions;
using FeatureStore.Registry.Snapshot;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Kind = Feast.Types.ValueType.Types.Enum;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Files;

/// <summary>Writes a definition into a message as Feast's apply would, and leaves the fields that definitions cannot say, and the times, alone.</summary>
internal sealed class ObjectFiller(RegistryProto registry, RepoConfig config)
{
    /// <summary>The entity that Feast gives to views without one, and its join key.</summary>
    public const string NoEntity = "__dummy";

    internal const string NoEntityKey = "__dummy_id";
    private const string FileSourceClass = "feast.infra.offline_stores.file_source.FileSource";
    private const string PushSourceClass = "feast.data_source.PushSource";
    private const string RequestSourceClass = "feast.data_source.RequestSource";
    internal const string LatestVersion = "latest";
    private const string PlainViewType = "featureView";
    private const string StreamViewType = "streamFeatureView";

    public void Fill(DataSource source, SourceDefinition definition)
    {
        (source.Name, source.Project, source.Type) = (definition.Header.Name, config.Project, DataSource.Types.SourceType.BatchFile);
        (source.TimestampField, source.CreatedTimestampColumn) = (definition.TimestampField, definition.CreatedTimestampColumn);
        (source.FileOptions ??= new DataSource.Types.FileOptions()).Uri = TablePath.ToUri(definition.Path, config);
        source.DataSourceClassType = FileSourceClass;
        (source.Description, source.Owner) = (definition.Header.Description, definition.Header.Owner);
        Replace(source.FieldMapping, definition.FieldMapping);
        Replace(source.Tags, definition.Header.Tags);
    }

    /// <summary>Fills a push source; its batch source must be in the registry.</summary>
    public void Fill(DataSource source, PushSourceDefinition definition)
    {
        var batch = Embedded(definition.BatchSource);
        batch.DataSourceClassType = string.Empty;
        (source.Name, source.Project, source.Type) = (definition.Header.Name, config.Project, DataSource.Types.SourceType.PushSource);
        (source.TimestampField, source.CreatedTimestampColumn) = (batch.TimestampField, batch.CreatedTimestampColumn);
        (source.BatchSource, source.DataSourceClassType) = (batch, PushSourceClass);
        (source.Description, source.Owner) = (definition.Header.Description, definition.Header.Owner);
        Replace(source.Tags, definition.Header.Tags);
    }

    public void Fill(DataSource source, RequestSourceDefinition definition)
    {
        (source.Name, source.Project, source.Type) = (definition.Header.Name, config.Project, DataSource.Types.SourceType.RequestSource);
        source.DataSourceClassType = RequestSourceClass;
        Replace((source.RequestDataOptions ??= new DataSource.Types.RequestDataOptions()).Schema, definition.Schema.Select(f => (f.Name, f.Type, f.Description)));
        (source.Description, source.Owner) = (definition.Header.Description, definition.Header.Owner);
        Replace(source.Tags, definition.Header.Tags);
    }

    public void Fill(Entity entity, EntityDefinition definition)
    {
        var spec = entity.Spec ??= new EntitySpecV2();
        (spec.Name, spec.Project, spec.JoinKey, spec.ValueType) = (definition.Header.Name, config.Project, definition.JoinKey, definition.ValueType);
        (spec.Description, spec.Owner) = (definition.Header.Description, definition.Header.Owner);
        Replace(spec.Tags, definition.Header.Tags);
    }

    public void FillNoEntity(Entity entity)
    {
        var spec = entity.Spec ??= new EntitySpecV2();
        (spec.Name, spec.Project, spec.JoinKey) = (NoEntity, config.Project, NoEntityKey);
    }

    /// <summary>Fills a view; its source must be in the registry.</summary>
    public void Fill(FeatureView view, FeatureViewDefinition definition, RepoDefinitions definitions)
    {
        var spec = view.Spec ??= new FeatureViewSpec();
        (spec.Name, spec.Project, spec.Online) = (definition.Header.Name, config.Project, definition.Online);
        (spec.Description, spec.Owner) = (definition.Header.Description, definition.Header.Owner);
        spec.Ttl = Duration.FromTimeSpan(definition.Ttl);
        spec.Version = spec.Version.Length == 0 ? LatestVersion : spec.Version;
        var push = definitions.PushSources.FirstOrDefault(p => p.Header.Name == definition.Source);
        spec.BatchSource = Embedded(push?.BatchSource ?? definition.Source);

        // A stream of another kind cannot be said by definitions, so it stays.
        spec.StreamSource = push is not null ? Embedded(definition.Source) : spec.StreamSource?.Type == DataSource.Types.SourceType.PushSource ? null : spec.StreamSource;
        var (names, keys, features) = Columns(definition, definitions);
        spec.Entities.Clear();
        spec.Entities.Add(names);
        Replace(spec.EntityColumns, keys);
        Replace(spec.Features, features);
        Replace(spec.Tags, Tags(definition, definitions));
    }

    /// <summary>Fills a stream view; its sources must be in the registry.</summary>
    public void Fill(StreamFeatureView view, StreamFeatureViewDefinition stream, RepoDefinitions definitions)
    {
        var definition = stream.View;
        var spec = view.Spec ??= new StreamFeatureViewSpec();
        (spec.Name, spec.Project, spec.Online) = (definition.Header.Name, config.Project, definition.Online);
        (spec.Description, spec.Owner) = (definition.Header.Description, definition.Header.Owner);
        spec.Ttl = Duration.FromTimeSpan(definition.Ttl);
        spec.Version = spec.Version.Length == 0 ? LatestVersion : spec.Version;
        spec.StreamSource = Embedded(definition.Source);
        spec.BatchSource = Embedded(spec.StreamSource.BatchSource.Name);
        spec.TimestampField = stream.TimestampField.Length > 0 ? stream.TimestampField : spec.StreamSource.TimestampField;
        var (names, keys, features) = Columns(definition, definitions);
        spec.Entities.Clear();
        spec.Entities.Add(names);
        Replace(spec.EntityColumns, keys);

        // Feast lists the join keys of a stream view among its features too.
        Replace(spec.Features, definition.Entities.Count == 0 ? features : keys.Concat(features));
        Replace(spec.Tags, definition.Header.Tags);
    }

    private static (IEnumerable<string> Names, (string, Kind, string)[] Keys, IEnumerable<(string, Kind, string)> Features) Columns(
        FeatureViewDefinition definition, RepoDefinitions definitions)
    {
        EntityDefinition[] entities = [.. definition.Entities.Select(e => definitions.Entities.First(d => d.Header.Name == e.Text))];
        return (
            entities.Length == 0 ? [NoEntity] : entities.Select(e => e.Header.Name),
            entities.Length == 0 ? [(NoEntityKey, Kind.String, string.Empty)] : [.. entities.Select(e => (e.JoinKey, e.ValueType, string.Empty))],
            definition.Schema.Where(f => entities.All(e => e.JoinKey != f.Name)).Select(f => (f.Name, f.Type, f.Description)));
    }

    /// <summary>Fills a service; its views must be in the registry.</summary>
    public void Fill(FeatureService service, FeatureServiceDefinition definition)
    {
        var spec = service.Spec ??= new FeatureServiceSpec();
        (spec.Name, spec.Project) = (definition.Header.Name, config.Project);
        (spec.Description, spec.Owner) = (definition.Header.Description, definition.Header.Owner);
        Replace(spec.Tags, definition.Header.Tags);
        spec.Features.Clear();
        spec.Features.Add(definition.Features.Select(Projection));
        spec.PrecomputeOnline = definition.PrecomputeOnline;
    }

    /// <summary>A view as services and on-demand views hold it; it must be in the registry.</summary>
    public FeatureViewProjection Projection(ServiceItem item)
    {
        if (registry.OnDemandFeatureViews.FirstOrDefault(v => v.Spec?.Project == config.Project && v.Spec.Name == item.View)?.Spec is { } made)
        {
            return OnDemandFiller.Projection(made, item);
        }

        var plain = registry.FeatureViews.FirstOrDefault(v => v.Spec?.Project == config.Project && v.Spec.Name == item.View)?.Spec;
        var stream = plain is null ? registry.StreamFeatureViews.First(v => v.Spec?.Project == config.Project && v.Spec.Name == item.View).Spec : null;
        var source = (plain?.BatchSource ?? stream!.BatchSource).Clone();
        source.DataSourceClassType = string.Empty;
        var projection = new FeatureViewProjection
        {
            FeatureViewName = item.View,
            FeatureViewNameAlias = item.Alias ?? string.Empty,

            // Not a slip of ours: the recorded registries hold the created column in both fields.
            TimestampField = source.CreatedTimestampColumn,
            CreatedTimestampColumn = source.CreatedTimestampColumn,
            BatchSource = source,
            ViewType = plain is null ? StreamViewType : PlainViewType,
        };
        Replace(projection.JoinKeyMap, item.JoinKeyMap);
        if (item.VersionTag is { } version)
        {
            projection.VersionTag = version;
        }

        var keys = stream?.EntityColumns.Select(c => c.Name).ToHashSet() ?? [];
        FeatureSpecV2[] features = [.. (plain?.Features ?? stream!.Features).Where(f => !keys.Contains(f.Name))];
        projection.FeatureColumns.Add(
            item.Features is null
                ? features.Select(f => f.Clone())
                : item.Features.Select(wanted => features.First(f => f.Name == wanted.Text).Clone()));
        return projection;
    }

    /// <summary>The registered source as views hold it: without its project.</summary>
    public DataSource Embedded(string name)
    {
        var source = registry.DataSources.First(s => s.Project == config.Project && s.Name == name).Clone();
        source.Project = string.Empty;
        return source;
    }

    private static Dictionary<string, string> Tags(FeatureViewDefinition definition, RepoDefinitions definitions)
    {
        var tags = new Dictionary<string, string>(definition.Header.Tags);
        if (definition.Aggregated is { } aggregated)
        {
            tags[AggregatedJson.Tag] = AggregatedJson.Write(new AggregatedModel(
                definitions.Sources.First(s => s.Header.Name == aggregated.Source).Path,
                aggregated.EventTime,
                aggregated.Window,
                aggregated.EmptyWindowZero,
                [.. aggregated.Aggregations.Select(a => a.Model)]));
        }

        return tags;
    }

    internal static void Replace(MapField<string, string> map, IReadOnlyDictionary<string, string> next)
    {
        map.Clear();
        foreach (var (key, value) in next)
        {
            map[key] = value;
        }
    }

    /// <summary>Replaces fields by name, so that what only Feast says of one (its tags, its vector index) stays.</summary>
    internal static void Replace(RepeatedField<FeatureSpecV2> fields, IEnumerable<(string Name, Kind Type, string Description)> next)
    {
        var before = fields.GroupBy(f => f.Name).ToDictionary(g => g.Key, g => g.First());
        fields.Clear();
        foreach (var (name, type, description) in next)
        {
            var field = before.TryGetValue(name, out var old) ? old.Clone() : new FeatureSpecV2 { Name = name };
            (field.ValueType, field.Description) = (type, description);
            fields.Add(field);
        }
    }
}
