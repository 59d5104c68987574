using Feast.Core;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Files;
using FeatureStore.Registry.Validation;
using Google.Protobuf.WellKnownTypes;
using Kind = Feast.Types.ValueType.Types.Enum;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Snapshot;

/// <summary>
/// Compiles the registry of one project, written by Feast or by us, into what requests and jobs run on. Feature views and
/// stream views can be served, and on-demand views of expressions; the pickled code of others is never run.
/// </summary>
public static class SnapshotCompiler
{
    /// <exception cref="RegistryException">A view cannot be understood; the message names it.</exception>
    public static RegistrySnapshot Compile(RegistryProto registry, RepoConfig config)
    {
        ArgumentNullException.ThrowIfNull(registry);
        ArgumentNullException.ThrowIfNull(config);
        var entities = new Dictionary<string, EntitySpecV2>();
        foreach (var entity in registry.Entities.Where(e => e.Spec?.Project == config.Project))
        {
            entities.TryAdd(entity.Spec.Name, entity.Spec);
        }

        // Several projects share a file. Of two objects with one name Feast takes the first.
        var views = new Dictionary<string, FeatureViewModel>();
        foreach (var view in registry.FeatureViews.Where(v => v.Spec?.Project == config.Project))
        {
            views.TryAdd(view.Spec.Name, WithMeta(View(view.Spec, entities, config), view.Meta, view.Spec.StreamSource, config));
        }

        foreach (var view in registry.StreamFeatureViews.Where(v => v.Spec?.Project == config.Project))
        {
            views.TryAdd(view.Spec.Name, WithMeta(View(AsFeatureView(view.Spec), entities, config), view.Meta, view.Spec.StreamSource, config) with { IsStream = true });
        }

        var services = new Dictionary<string, FeatureServiceModel>();
        foreach (var service in registry.FeatureServices.Where(s => s.Spec?.Project == config.Project))
        {
            services.TryAdd(service.Spec.Name, new FeatureServiceModel(service.Spec.Name, [.. service.Spec.Features.Select(Projection)])
            {
                PrecomputeOnline = service.Spec.PrecomputeOnline,
            });
        }

        return new RegistrySnapshot(config.Project, config.EntityKeyVersion, views, services)
        {
            EntityJoinKeys = entities.ToDictionary(e => e.Key, e => e.Value.JoinKey),
            OnDemandFeatureViews = OnDemandCompiler.Views(registry, config, spec => View(spec, entities, config)),
            FeatureViewVersions = VersionCompiler.Views(registry, config, spec => View(spec, entities, config)),
            PushSources = PushSources(registry, config, views),
            Revision = registry.VersionId,
        };
    }

    private static FeatureViewModel WithMeta(FeatureViewModel view, FeatureViewMeta? meta, DataSource? streamSource, RepoConfig config) => view with
    {
        State = meta?.State ?? FeatureViewState.StateUnspecified,
        VersionNumber = meta?.CurrentVersionNumber ?? 0,
        VersionedOnline = config.Registry.EnableOnlineFeatureViewVersioning,
        StreamSource = string.IsNullOrEmpty(streamSource?.Name) ? null : streamSource.Name,
    };

    private static FeatureViewModel View(FeatureViewSpec spec, Dictionary<string, EntitySpecV2> entities, RepoConfig config)
    {
        FieldModel[] joinKeys = spec.EntityColumns.Count > 0
            ? [.. spec.EntityColumns.Select(c => Key(c.Name, c.ValueType))]
            : [.. spec.Entities.Select(name => Key(spec.Name, name, entities))];
        var names = joinKeys.Select(k => k.Name).ToHashSet();
        return new FeatureViewModel(
            spec.Name,
            joinKeys,
            [.. spec.Features.Where(f => !names.Contains(f.Name)).Select(f => new FieldModel(f.Name, f.ValueType))],
            Ttl(spec.Ttl),
            spec.Online && !spec.Disabled,
            Source(spec.BatchSource ?? new DataSource(), config),
            spec.Tags.TryGetValue(AggregatedJson.Tag, out var json) ? AggregatedJson.Read(json, spec.Name) : null)
        {
            Disabled = spec.Disabled,
        };
    }

    internal static FeatureViewSpec AsFeatureView(StreamFeatureViewSpec spec)
    {
        var view = new FeatureViewSpec
        {
            Name = spec.Name,
            Ttl = spec.Ttl,
            BatchSource = spec.BatchSource,
            Online = spec.Online,
            Disabled = spec.Disabled,
        };
        view.Entities.Add(spec.Entities);
        view.EntityColumns.Add(spec.EntityColumns);

        // Feast lists the join keys of a stream view among its features too; View takes them out.
        view.Features.Add(spec.Features);
        return view;
    }

    private static FieldModel Key(string view, string entity, Dictionary<string, EntitySpecV2> entities) =>
        entities.TryGetValue(entity, out var spec)
            ? Key(spec.JoinKey, spec.ValueType)
            : throw new RegistryException($"Feature view '{view}' names the entity '{entity}', which the registry does not have; run 'fstore apply'.");

    // The entity of views without one has no type in the registry, and its key is written as text.
    private static FieldModel Key(string name, Kind type) => new(name, type == Kind.Invalid ? Kind.String : type);

    private static SourceModel Source(DataSource source, RepoConfig config) => new(
        source.Name,
        TablePath.FromUri(source.FileOptions?.Uri ?? string.Empty, config),
        source.TimestampField,
        source.CreatedTimestampColumn.Length == 0 ? null : source.CreatedTimestampColumn,
        new Dictionary<string, string>(source.FieldMapping));

    private static Dictionary<string, PushSourceModel> PushSources(
        RegistryProto registry, RepoConfig config, Dictionary<string, FeatureViewModel> views)
    {
        var sources = new Dictionary<string, PushSourceModel>();
        foreach (var source in registry.DataSources.Where(s => s.Project == config.Project && s.Type == DataSource.Types.SourceType.PushSource))
        {
            sources.TryAdd(
                source.Name,
                new PushSourceModel(source.Name, Source(source.BatchSource ?? new DataSource(), config), [.. views.Values.Where(v => v.StreamSource == source.Name).Select(v => v.Name)]));
        }

        return sources;
    }

    internal static ProjectionModel Projection(FeatureViewProjection projection) => new(
        projection.FeatureViewName,
        projection.FeatureViewNameAlias.Length == 0 ? projection.FeatureViewName : projection.FeatureViewNameAlias,
        [.. projection.FeatureColumns.Select(c => c.Name)],
        new Dictionary<string, string>(projection.JoinKeyMap))
    {
        VersionTag = projection.HasVersionTag ? projection.VersionTag : null,
    };

    /// <summary>A ttl that is absent or not positive is none; one beyond what a TimeSpan holds never ends.</summary>
    private static TimeSpan Ttl(Duration? ttl)
    {
        if (ttl is null || ttl.Seconds < 0 || ttl.Nanos < 0)
        {
            return TimeSpan.Zero;
        }

        return ttl.Seconds >= (TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerSecond) - 10
            ? TimeSpan.MaxValue
            : TimeSpan.FromTicks((ttl.Seconds * TimeSpan.TicksPerSecond) + (ttl.Nanos / TimeSpan.NanosecondsPerTick));
    }
}
