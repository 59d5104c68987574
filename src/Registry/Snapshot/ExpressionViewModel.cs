using FeatureStore.Registry.Expressions;

namespace FeatureStore.Registry.Snapshot;

/// <summary>A feature that an expression makes.</summary>
/// <param name="Tree">Over the inputs of its view, by their place.</param>
public sealed record ExpressionFeature(FieldModel Field, string Text, Expression Tree);

/// <summary>An on-demand view of expressions, compiled.</summary>
/// <param name="Sources">The views it reads, under the names that its inputs have them by.</param>
/// <param name="Inputs">Everything that its expressions may name.</param>
public sealed record ExpressionViewModel(
    IReadOnlyList<ProjectionModel> Sources, IReadOnlyList<ExpressionInput> Inputs, IReadOnlyList<ExpressionFeature> Features)
{
    /// <summary>The source that an input is a feature of; null for one of the request.</summary>
    public ProjectionModel? SourceOf(ExpressionInput input) => input.View is null ? null : Sources.First(s => s.NameToUse == input.View);

    /// <summary>Places of the inputs that some of its features name, in order.</summary>
    public static IReadOnlyList<int> InputsOf(IEnumerable<ExpressionFeature> features)
    {
        var used = new SortedSet<int>();
        var open = new Stack<Expression>(features.Select(f => f.Tree));
        while (open.TryPop(out var expression))
        {
            switch (expression)
            {
                case InputExpression input:
                    used.Add(input.Index);
                    break;
                case CallExpression call:
                    call.Arguments.ToList().ForEach(open.Push);
                    break;
            }
        }

        return [.. used];
    }
}
