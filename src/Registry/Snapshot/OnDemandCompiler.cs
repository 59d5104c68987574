using Feast.Core;
using FeatureStore.Registry.Configuration;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Snapshot;

/// <summary>Compiles what can be known of on-demand views without running them.</summary>
internal static class OnDemandCompiler
{
    /// <param name="compile">Compiles a view as its stored rows are read.</param>
    public static Dictionary<string, OnDemandFeatureViewModel> Views(RegistryProto registry, RepoConfig config, Func<FeatureViewSpec, FeatureViewModel> compile)
    {
        var views = new Dictionary<string, OnDemandFeatureViewModel>();
        foreach (var spec in registry.OnDemandFeatureViews.Select(v => v.Spec).Where(s => s?.Project == config.Project))
        {
            views.TryAdd(
                spec.Name,
                new OnDemandFeatureViewModel(
                    spec.Name,
                    Fields(spec.Features),
                    Fields(spec.Sources.Values.Select(s => s.RequestDataSource).OfType<DataSource>().SelectMany(s => s.RequestDataOptions?.Schema ?? [])),
                    [.. spec.Sources.Values.Select(SourceView).OfType<string>().Order(StringComparer.Ordinal)],
                    spec.WriteToOnlineStore ? compile(AsFeatureView(spec)) : null)
                {
                    Mode = spec.Mode,
                });
        }

        return views;
    }

    private static FieldModel[] Fields(IEnumerable<FeatureSpecV2> fields) => [.. fields.Select(f => new FieldModel(f.Name, f.ValueType))];

    private static string? SourceView(OnDemandSource source) => source.SourceCase switch
    {
        OnDemandSource.SourceOneofCase.FeatureView => source.FeatureView.Spec?.Name,
        OnDemandSource.SourceOneofCase.FeatureViewProjection => source.FeatureViewProjection.FeatureViewName,
        _ => null,
    };

    private static FeatureViewSpec AsFeatureView(OnDemandFeatureViewSpec spec)
    {
        var view = new FeatureViewSpec { Name = spec.Name, Online = true, Disabled = spec.Disabled };
        view.Entities.Add(spec.Entities);
        view.EntityColumns.Add(spec.EntityColumns);
        view.Features.Add(spec.Features);
        return view;
    }
}
