using Feast.Core;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Expressions;
using FeatureStore.Registry.Validation;
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
                    Expressions = spec.Tags.TryGetValue(ExpressionsJson.Tag, out var json) ? Expressions(spec, ExpressionsJson.Read(json, spec.Name)) : null,
                });
        }

        return views;
    }

    private static ExpressionViewModel Expressions(OnDemandFeatureViewSpec spec, IReadOnlyDictionary<string, string> texts)
    {
        var sources = spec.Sources.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => s.Value).ToArray();
        ProjectionModel[] views = [.. sources.Select(s => s.FeatureViewProjection).OfType<FeatureViewProjection>().Select(SnapshotCompiler.Projection)];
        ExpressionInput[] inputs =
        [
            .. sources.Select(s => s.FeatureViewProjection).OfType<FeatureViewProjection>()
                .Zip(views, (projection, view) => Fields(projection.FeatureColumns).Select(f => new ExpressionInput(view.NameToUse, f))).SelectMany(f => f),
            .. sources.Select(s => s.RequestDataSource).OfType<DataSource>().SelectMany(s => Fields(s.RequestDataOptions?.Schema ?? [])).Select(f => new ExpressionInput(null, f)),
        ];
        return new ExpressionViewModel(views, inputs, [.. Fields(spec.Features).Select(f => Feature(spec.Name, f, texts, inputs))]);
    }

    private static ExpressionFeature Feature(string view, FieldModel field, IReadOnlyDictionary<string, string> texts, ExpressionInput[] inputs)
    {
        if (!texts.TryGetValue(field.Name, out var text))
        {
            throw new RegistryException($"On-demand feature view '{view}' has no expression for its feature '{field.Name}'; run 'fstore apply' to write it again.");
        }

        try
        {
            return new ExpressionFeature(field, text, ExpressionText.Compile(text, field.Type, inputs));
        }
        catch (ExpressionException e)
        {
            throw new RegistryException($"On-demand feature view '{view}', feature '{field.Name}', column {e.Column} of its expression: {e.Message}. Correct the definition and run 'fstore apply'.", e);
        }
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
