using FeatureStore.Registry.Expressions;

namespace FeatureStore.Registry.Snapshot;

/// <summary>A feature that an expression makes.</summary>
/// <param name="Tree">Over the inputs of its view, by their place.</param>
public sealed record ExpressionFeature(FieldModel Field, string Text, Expression Tree);

/// <summary>An on-demand view of expressions, compiled.</summary>
/// <param name="Sources">The views it reads, under the names that its inputs have them by.</param>
/// <param name="Inputs">Everything that its expressions may name.</param>
public sealed record ExpressionViewModel(
    IReadOnlyList<ProjectionModel> Sources, IReadOnlyList<ExpressionInput> Inputs, IReadOnlyList<ExpressionFeature> Features);
