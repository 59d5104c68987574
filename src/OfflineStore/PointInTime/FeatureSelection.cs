using FeatureStore.Contract.References;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>A view's part in a data set.</summary>
/// <param name="Name">The view's name, or its alias in the service.</param>
/// <param name="Features">What is taken of it, in order.</param>
/// <param name="LabelKeys">For each join key of the view, the labels' column that holds it; none for a view without entities.</param>
public sealed record SelectedView(
    string Name, FeatureViewModel View, IReadOnlyList<FieldModel> Features, IReadOnlyList<string> LabelKeys)
{
    /// <summary>How many of the features, at their end, are there for on-demand views alone.</summary>
    public int Hidden { get; init; }

    /// <summary>The features that are columns of the data set.</summary>
    public IEnumerable<FieldModel> Shown => Features.Take(Features.Count - Hidden);

    /// <summary>Join keys that a label must bring.</summary>
    public IReadOnlyList<FieldModel> Keys => LabelKeys.Count == 0 ? [] : View.JoinKeys;

    /// <summary>The column of a feature in the data set.</summary>
    public string Column(FieldModel feature, bool fullNames) => fullNames ? $"{Name}__{feature.Name}" : feature.Name;
}

/// <summary>Resolves what was asked for against the registry, as Feast does: views in the order of their first mention.</summary>
public static class FeatureSelection
{
    private const string NoEntityKey = "__dummy_id";
    private static readonly Dictionary<string, string> NoMap = [];

    /// <exception cref="LabelException">Something is unknown, or two features would have one column; all of them are named.</exception>
    public static SelectedFeatures Resolve(RegistrySnapshot snapshot, TrainingRequest request)
    {
        var projections = request.FeatureService is { } service ? Service(snapshot, service) : References(snapshot, request.Features);
        var selected = new OnDemandSelection(snapshot, p => Select(snapshot, p), request.Rules.AsFeast).Resolve(projections);
        var twice = selected.Columns(request.FullNames).GroupBy(c => c).Where(g => g.Count() > 1).Select(g => g.Key).ToList();
        return twice.Count == 0
            ? selected
            : throw new LabelException($"More than one feature would be called {string.Join(", ", twice)}; add --full-feature-names, or take each feature once.");
    }

    private static IReadOnlyList<ProjectionModel> Service(RegistrySnapshot snapshot, string name) =>
        snapshot.FeatureServices.TryGetValue(name, out var service)
            ? service.Projections
            : throw new LabelException($"There is no feature service '{name}'; there are: {string.Join(", ", snapshot.FeatureServices.Keys.Order(StringComparer.Ordinal))}.");

    private static List<ProjectionModel> References(RegistrySnapshot snapshot, IReadOnlyList<string> texts)
    {
        var wanted = new Dictionary<(string View, int? Version), List<string>>();
        var faults = new List<string>();
        foreach (var text in texts)
        {
            if (!FeatureReference.TryParse(text, out var reference, out var error))
            {
                faults.Add(error);
            }
            else if (!snapshot.OnDemandFeatureViews.ContainsKey(reference.View) && Missing(snapshot, reference) is { } fault)
            {
                faults.Add(fault);
            }
            else if (!wanted.TryAdd((reference.View, reference.Version), [reference.Feature]))
            {
                wanted[(reference.View, reference.Version)].Add(reference.Feature);
            }
        }

        return faults.Count == 0 && wanted.Count > 0
            ? [.. wanted.Select(w => new ProjectionModel(w.Key.View, w.Key.View, w.Value, NoMap) { VersionTag = w.Key.Version })]
            : throw new LabelException(faults.Count == 0 ? "No features are asked for; name --features view:feature,… or a --feature-service." : string.Join(" ", faults));
    }

    private static string? Missing(RegistrySnapshot snapshot, FeatureReference reference) =>
        !snapshot.FeatureViews.TryGetValue(reference.View, out var view)
            ? $"There is no feature view '{reference.View}'; there are: {string.Join(", ", snapshot.FeatureViews.Keys.Order(StringComparer.Ordinal))}."
            : view.Features.All(f => f.Name != reference.Feature)
                ? $"View {view.Name} has no feature '{reference.Feature}'; it has {string.Join(", ", view.Features.Select(f => f.Name))}."
                : null;

    private static SelectedView Select(RegistrySnapshot snapshot, ProjectionModel projection)
    {
        var view = View(snapshot, projection);
        var features = projection.Features.Select(name => view.Features.FirstOrDefault(f => f.Name == name)
            ?? throw new LabelException($"View {view.Name} has no feature '{name}'; run 'fstore apply', or correct the name.")).ToList();
        string[] keys = view.JoinKeys is [{ Name: NoEntityKey }] ? [] : [.. view.JoinKeys.Select(k => projection.JoinKeyMap.GetValueOrDefault(k.Name, k.Name))];
        return new SelectedView(projection.NameToUse, view, features, keys);
    }

    private static FeatureViewModel View(RegistrySnapshot snapshot, ProjectionModel projection)
    {
        if (snapshot.OnDemandFeatureViews.TryGetValue(projection.ViewName, out var onDemand))
        {
            throw new LabelException(onDemand.Reason);
        }

        if (!snapshot.FeatureViews.TryGetValue(projection.ViewName, out var active))
        {
            throw new LabelException($"There is no feature view '{projection.ViewName}'; run 'fstore apply'.");
        }

        return projection.VersionTag is not { } version || version == active.VersionNumber ? active
            : snapshot.FeatureViewVersions.TryGetValue((projection.ViewName, version), out var kept) ? kept
            : throw new LabelException($"View {active.Name} has version {active.VersionNumber} active, and version {version} is asked for; name the active one, or set enable_online_feature_view_versioning.");
    }
}
