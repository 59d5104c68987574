using FeatureStore.Registry.Expressions;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>Where an input of an on-demand view comes from: a feature of a selected view, by their places; the labels' column of its name where <paramref name="View"/> is negative.</summary>
public readonly record struct SelectedInput(ExpressionInput Input, int View, int Feature);

/// <summary>An on-demand view's part in a data set.</summary>
/// <param name="Name">The view's name, or its alias in the service.</param>
/// <param name="Inputs">All of its inputs; one that no expression names has no place.</param>
public sealed record SelectedExpressions(string Name, string View, IReadOnlyList<SelectedInput> Inputs, IReadOnlyList<ExpressionFeature> Features);

/// <summary>What a data set takes: stored features, then what expressions make of them.</summary>
public sealed record SelectedFeatures(IReadOnlyList<SelectedView> Views, IReadOnlyList<SelectedExpressions> OnDemand)
{
    /// <summary>Names of the columns, in order.</summary>
    public IEnumerable<string> Columns(bool fullNames) =>
    [
        .. Views.SelectMany(v => v.Shown.Select(f => v.Column(f, fullNames))),
        .. OnDemand.SelectMany(v => v.Features.Select(f => fullNames ? $"{v.Name}__{f.Field.Name}" : f.Field.Name)),
    ];

    /// <summary>What each column is, as <c>view:feature</c>.</summary>
    public IEnumerable<string> References() =>
        [.. Views.SelectMany(v => v.Shown.Select(f => $"{v.Name}:{f.Name}")), .. OnDemand.SelectMany(v => v.Features.Select(f => $"{v.Name}:{f.Field.Name}"))];
}

/// <summary>Tells stored views from on-demand ones, and adds what expressions need to what is read.</summary>
/// <param name="select">Selects a stored view.</param>
internal sealed class OnDemandSelection(RegistrySnapshot snapshot, Func<ProjectionModel, SelectedView> select, bool asFeast)
{
    private readonly List<(ProjectionModel Projection, SelectedView View)> _views = [];

    /// <exception cref="LabelException">A feature is unknown, or the policy has no on-demand views.</exception>
    public SelectedFeatures Resolve(IReadOnlyList<ProjectionModel> projections)
    {
        _views.AddRange(projections.Where(p => Model(p) is null).Select(p => (p, select(p))));
        var onDemand = projections.Where(p => Model(p) is not null).Select(p => Made(p, Model(p)!)).ToList();
        return new SelectedFeatures([.. _views.Select(v => v.View)], onDemand);
    }

    private ExpressionViewModel? Model(ProjectionModel projection) =>
        snapshot.FeatureViews.ContainsKey(projection.ViewName) ? null : snapshot.OnDemandFeatureViews.GetValueOrDefault(projection.ViewName)?.Expressions;

    private SelectedExpressions Made(ProjectionModel made, ExpressionViewModel model)
    {
        if (asFeast)
        {
            throw new LabelException($"On-demand feature view '{made.ViewName}' is made of expressions, which Feast cannot compute; take policy strict, or leave it out.");
        }

        var features = made.Features.Select(name => model.Features.FirstOrDefault(f => f.Field.Name == name)
            ?? throw new LabelException($"On-demand feature view '{made.ViewName}' has no feature '{name}'; it has {string.Join(", ", model.Features.Select(f => f.Field.Name))}.")).ToList();
        var used = ExpressionViewModel.InputsOf(features);
        var inputs = model.Inputs.Select((input, i) => used.Contains(i) && model.SourceOf(input) is { } source ? Place(input, source) : new SelectedInput(input, -1, -1));
        return new SelectedExpressions(made.NameToUse, made.ViewName, [.. inputs], features);
    }

    private SelectedInput Place(ExpressionInput input, ProjectionModel source)
    {
        var index = _views.FindIndex(v => IsSame(v.Projection, source));
        if (index < 0)
        {
            index = _views.Count;
            var hidden = select(source with { Features = [input.Field.Name] });
            _views.Add((source, hidden with { Hidden = 1 }));
        }

        var (projection, view) = _views[index];
        var feature = view.Features.ToList().FindIndex(f => f.Name == input.Field.Name);
        if (feature < 0)
        {
            feature = view.Features.Count;
            var more = select(source with { Features = [input.Field.Name] });
            _views[index] = (projection, view with { Features = [.. view.Features, more.Features[0]], Hidden = view.Hidden + 1 });
        }

        return new SelectedInput(input, index, feature);
    }

    private static bool IsSame(ProjectionModel one, ProjectionModel two) =>
        one.ViewName == two.ViewName && one.VersionTag == two.VersionTag && one.JoinKeyMap.Count == two.JoinKeyMap.Count && !one.JoinKeyMap.Except(two.JoinKeyMap).Any();
}
