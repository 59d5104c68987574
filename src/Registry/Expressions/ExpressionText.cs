using FeatureStore.Registry.Definitions;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Registry.Expressions;

/// <summary>A value that expressions of a view may name: by the field's name, or as <c>view__field</c>.</summary>
/// <param name="View">The view it is a feature of, by the name it has in the on-demand view; null for a value of the request.</param>
public sealed record ExpressionInput(string? View, FieldModel Field);

/// <summary>Turns the text of a feature into its checked tree.</summary>
public static class ExpressionText
{
    /// <param name="type">The declared type of the feature.</param>
    /// <exception cref="ExpressionException">The text is no expression over the inputs, or makes another type.</exception>
    public static Expression Compile(string text, Kind type, IReadOnlyList<ExpressionInput> inputs)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (Typing.Of(type) is null)
        {
            throw new ExpressionException($"no expression makes {FieldTypes.Text(type)}; declare the feature Int64, Int32, Float64, Float32, String, Bool or UnixTimestamp", 1);
        }

        return Typing.Result(ExpressionParser.Parse(text, token => Input(token, inputs)), type);
    }

    /// <summary>The language's type for a declared one; null for lists, maps and the like.</summary>
    public static ExpressionType? TypeOf(Kind type) => Typing.Of(type);

    private static InputExpression Input(Token token, IReadOnlyList<ExpressionInput> inputs)
    {
        var found = -1;
        for (var i = 0; i < inputs.Count; i++)
        {
            var (view, field) = inputs[i];
            if (field.Name != token.Text && (view is null || $"{view}__{field.Name}" != token.Text))
            {
                continue;
            }

            found = found < 0
                ? i
                : throw new ExpressionException($"'{token.Text}' is in {Place(inputs[found])} and in {Place(inputs[i])}; write {Full(inputs[found])} or {Full(inputs[i])}", token.Column);
        }

        if (found < 0)
        {
            throw new ExpressionException($"there is no input '{token.Text}'; {Validation.NameChoice.Of(inputs.Select(i => i.Field.Name).Distinct())[..^1]}, and a text stands in single quotes", token.Column);
        }

        var type = inputs[found].Field.Type;
        return Typing.Of(type) is { } known
            ? new InputExpression(found, known, token.Column)
            : throw new ExpressionException($"the input '{token.Text}' is {FieldTypes.Text(type)}, which expressions do not take; they take numbers, String, Bool and UnixTimestamp", token.Column);
    }

    private static string Place(ExpressionInput input) => input.View is null ? "the request" : $"view '{input.View}'";

    private static string Full(ExpressionInput input) => input.View is null ? $"another name for the field '{input.Field.Name}' of the request" : $"{input.View}__{input.Field.Name}";
}
