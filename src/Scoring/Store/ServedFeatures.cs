using System.Globalization;
using System.Text;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Scoring.Models;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Scoring.Store;

/// <summary>What a feature service serves, as a model sees it: names in order, and a fingerprint of everything that decides their values.</summary>
/// <param name="Features">Names in the order of the service; <c>view__feature</c> where two views have the same.</param>
public sealed record ServedFeatures(IReadOnlyList<string> Features, string Fingerprint)
{
    /// <summary>Types of the features, in the same order.</summary>
    public IReadOnlyList<Kind> Types { get; private init; } = [];

    /// <summary>The features as <c>view__feature</c>, in the same order.</summary>
    public IReadOnlyList<string> FullNames { get; private init; } = [];

    /// <exception cref="ModelStoreException">The registry has no such service.</exception>
    public static ServedFeatures Of(RegistrySnapshot snapshot, string featureService)
    {
        if (!snapshot.FeatureServices.TryGetValue(featureService, out var service))
        {
            throw new ModelStoreException($"The registry has no feature service '{featureService}'; it has {string.Join(", ", snapshot.FeatureServices.Keys.Order(StringComparer.Ordinal))}.");
        }

        if (service.Projections.FirstOrDefault(p => !snapshot.FeatureViews.ContainsKey(p.ViewName) && Expressions(snapshot, p) is null) is { } missing)
        {
            throw new ModelStoreException($"Feature service '{featureService}' has '{missing.ViewName}', which is no view of stored features and none of expressions; a model is fed from those alone.");
        }

        // An answer has what expressions make after what is stored.
        ProjectionModel[] projections = [.. service.Projections.OrderBy(p => !snapshot.FeatureViews.ContainsKey(p.ViewName))];
        var all = projections.SelectMany(p => p.Features.Select(f => (View: p.NameToUse, Feature: f, Type: TypeOf(snapshot, p, f)))).ToArray();
        var twice = all.GroupBy(f => f.Feature).Where(g => g.Count() > 1).Select(g => g.Key).ToHashSet(StringComparer.Ordinal);
        var text = new StringBuilder();
        foreach (var projection in projections)
        {
            Describe(text, projection, snapshot);
        }

        return new ServedFeatures(
            [.. all.Select(f => twice.Contains(f.Feature) ? $"{f.View}__{f.Feature}" : f.Feature)],
            ModelLoader.Hash(Encoding.UTF8.GetBytes(text.ToString())))
        {
            Types = [.. all.Select(f => f.Type)],
            FullNames = [.. all.Select(f => $"{f.View}__{f.Feature}")],
        };
    }

    private static ExpressionViewModel? Expressions(RegistrySnapshot snapshot, ProjectionModel projection) => snapshot.OnDemandFeatureViews.GetValueOrDefault(projection.ViewName)?.Expressions;

    private static Kind TypeOf(RegistrySnapshot snapshot, ProjectionModel projection, string feature) => snapshot.FeatureViews.TryGetValue(projection.ViewName, out var view)
        ? TypeOf(view, feature)
        : MadeBy(projection.ViewName, Expressions(snapshot, projection)!, feature).Field.Type;

    private static ExpressionFeature MadeBy(string view, ExpressionViewModel model, string feature) =>
        model.Features.FirstOrDefault(f => f.Field.Name == feature) ?? throw new ModelStoreException($"The on-demand feature view '{view}' no longer has '{feature}'; run 'fstore apply' to renew the service.");

    /// <summary>An expression is what it says over its inputs, and they are what their views make them.</summary>
    private static void Describe(StringBuilder text, ProjectionModel projection, RegistrySnapshot snapshot)
    {
        if (snapshot.FeatureViews.TryGetValue(projection.ViewName, out var stored))
        {
            Describe(text, projection, stored);
            return;
        }

        var model = Expressions(snapshot, projection)!;
        text.Append(CultureInfo.InvariantCulture, $"on demand {projection.ViewName} as {projection.NameToUse}\n");
        foreach (var feature in projection.Features.Select(f => MadeBy(projection.ViewName, model, f)))
        {
            text.Append(CultureInfo.InvariantCulture, $"expression {feature.Field.Name} {feature.Field.Type} {feature.Text}\n");
        }

        foreach (var source in model.Sources)
        {
            Describe(text, source, snapshot);
        }

        foreach (var input in model.Inputs.Where(i => i.View is null))
        {
            text.Append(CultureInfo.InvariantCulture, $"request {input.Field.Name} {input.Field.Type}\n");
        }
    }

    private static Kind TypeOf(FeatureViewModel view, string feature) =>
        view.Features.FirstOrDefault(f => f.Name == feature)?.Type ?? throw new ModelStoreException($"The feature view '{view.Name}' no longer has '{feature}'; run 'fstore apply' to renew the service.");

    /// <summary>Names, types and, for computed features, window and functions. How long a row may be served (ttl) changes no value and is not in it.</summary>
    private static void Describe(StringBuilder text, ProjectionModel projection, FeatureViewModel view)
    {
        text.Append(CultureInfo.InvariantCulture, $"view {projection.ViewName} as {projection.NameToUse}\n");
        foreach (var key in view.JoinKeys)
        {
            text.Append(CultureInfo.InvariantCulture, $"key {key.Name} {key.Type}\n");
        }

        foreach (var feature in projection.Features)
        {
            text.Append(CultureInfo.InvariantCulture, $"feature {feature} {TypeOf(view, feature)}\n");
        }

        if (view.Aggregated is not { } aggregated)
        {
            return;
        }

        text.Append(CultureInfo.InvariantCulture, $"window {aggregated.SourcePath} {aggregated.EventTimeColumn} {aggregated.Window.Ticks} {aggregated.EmptyWindowZero}\n");
        foreach (var aggregation in aggregated.Aggregations.Where(a => projection.Features.Contains(a.Name)))
        {
            text.Append(CultureInfo.InvariantCulture, $"aggregation {aggregation.Name} {aggregation.Function} {aggregation.Column}\n");
        }
    }
}
