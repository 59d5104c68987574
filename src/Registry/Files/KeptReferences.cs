using Feast.Core;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Files;

/// <summary>Names that objects which no definition can say (stream and on-demand views, push sources) rely on, so that they are not removed under them.</summary>
internal sealed class KeptReferences
{
    private readonly HashSet<string> _sources = [];
    private readonly HashSet<string> _entities = [];

    public KeptReferences(RegistryProto registry, string project)
    {
        foreach (var source in registry.DataSources.Where(s => s.Project == project && s.Type != DataSource.Types.SourceType.BatchFile))
        {
            Keep(source.BatchSource);
        }

        foreach (var spec in registry.StreamFeatureViews.Select(v => v.Spec).Where(s => s?.Project == project))
        {
            Keep(spec.BatchSource);
            _entities.UnionWith(spec.Entities);
        }

        foreach (var spec in registry.OnDemandFeatureViews.Select(v => v.Spec).Where(s => s?.Project == project))
        {
            _entities.UnionWith(spec.Entities);
        }
    }

    public IReadOnlySet<string> Sources => _sources;

    public IReadOnlySet<string> Entities => _entities;

    private void Keep(DataSource? source)
    {
        if (source is not null)
        {
            _sources.Add(source.Name);
        }
    }
}
