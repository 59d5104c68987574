using FeatureStore.Registry.Expressions;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.Serving.Retrieval;

/// <summary>Where an input of an on-demand view comes from: a place among the features that are read, or a list of the request; neither where no expression names it.</summary>
internal readonly record struct PlannedInput(ExpressionInput Input, int Read, string? RequestName);

/// <summary>An on-demand view's part in a plan: its inputs, and the features that are asked for, compiled.</summary>
internal sealed record PlannedExpressions(string View, IReadOnlyList<PlannedInput> Inputs, IReadOnlyList<PlannedExpression> Features);

/// <summary>One feature that is made after the read.</summary>
internal sealed record PlannedExpression(string Name, string FullName, ExpressionColumn Column);

/// <summary>Finds what on-demand views need: the features that are read for them alone, and where their inputs stand.</summary>
internal sealed class OnDemandPlanner(RegistrySnapshot snapshot, IReadOnlyList<ProjectionModel> asked)
{
    private readonly ProjectionModel[] _made = [.. asked.Where(p => Model(snapshot, p) is not null)];

    /// <summary>The compiled expressions of a projection's view; null for any other view.</summary>
    public static ExpressionViewModel? Model(RegistrySnapshot snapshot, ProjectionModel projection) =>
        snapshot.FeatureViews.ContainsKey(projection.ViewName) ? null : snapshot.OnDemandFeatureViews.GetValueOrDefault(projection.ViewName)?.Expressions;

    /// <summary>Projections that are answered as they are read.</summary>
    public IReadOnlyList<ProjectionModel> Stored { get; } = [.. asked.Where(p => Model(snapshot, p) is null)];

    /// <summary>Projections that are read for expressions alone, without what is read anyway.</summary>
    public List<ProjectionModel> Hidden()
    {
        var hidden = new List<ProjectionModel>();
        foreach (var (source, feature) in _made.SelectMany(Needed))
        {
            var isRead = Stored.Concat(hidden).Any(p => IsSame(p, source) && p.Features.Contains(feature));
            var same = hidden.FindIndex(p => IsSame(p, source));
            if (!isRead && same >= 0)
            {
                hidden[same] = hidden[same] with { Features = [.. hidden[same].Features, feature] };
            }
            else if (!isRead)
            {
                hidden.Add(source with { Features = [feature] });
            }
        }

        return hidden;
    }

    /// <param name="reads">Every projection that is read, in the order of the features that are.</param>
    public IReadOnlyList<PlannedExpressions> Plan(IReadOnlyList<ProjectionModel> reads)
    {
        var places = reads.SelectMany(p => p.Features.Select(f => (Projection: p, Feature: f))).ToList();
        return [.. _made.Select(made => Plan(made, Model(snapshot, made)!, places))];
    }

    /// <summary>Fields that the request must bring, whether an expression names them or not, as Feast asks for them.</summary>
    public IReadOnlyList<FieldModel> RequestFields() =>
        [.. _made.SelectMany(m => Model(snapshot, m)!.Inputs).Where(i => i.View is null).Select(i => i.Field).DistinctBy(f => f.Name)];

    private static PlannedExpressions Plan(ProjectionModel made, ExpressionViewModel model, List<(ProjectionModel Projection, string Feature)> places)
    {
        var features = made.Features.Select(name => model.Features.First(f => f.Field.Name == name)).ToArray();
        var used = ExpressionViewModel.InputsOf(features);
        var inputs = model.Inputs.Select((input, i) =>
        {
            var source = used.Contains(i) ? model.SourceOf(input) : null;
            return new PlannedInput(
                input, source is null ? -1 : places.FindIndex(p => IsSame(p.Projection, source) && p.Feature == input.Field.Name), input.View is null ? input.Field.Name : null);
        });
        return new PlannedExpressions(
            made.ViewName, [.. inputs], [.. features.Select(f => new PlannedExpression(f.Field.Name, $"{made.NameToUse}__{f.Field.Name}", ExpressionColumn.Compile(f)))]);
    }

    private IEnumerable<(ProjectionModel Source, string Feature)> Needed(ProjectionModel made)
    {
        var model = Model(snapshot, made)!;
        return ExpressionViewModel.InputsOf(made.Features.Select(name => model.Features.First(f => f.Field.Name == name))).Select(i => model.Inputs[i])
            .Where(i => i.View is not null).Select(i => (model.SourceOf(i)!, i.Field.Name));
    }

    private static bool IsSame(ProjectionModel one, ProjectionModel two) =>
        one.ViewName == two.ViewName && one.VersionTag == two.VersionTag && one.JoinKeyMap.Count == two.JoinKeyMap.Count && !one.JoinKeyMap.Except(two.JoinKeyMap).Any();
}
