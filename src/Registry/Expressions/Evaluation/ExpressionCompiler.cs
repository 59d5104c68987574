namespace FeatureStore.Registry.Expressions.Evaluation;

/// <summary>Compiles expressions into delegates, one for each node. Their values are those of the same tree as SQL, bit for bit.</summary>
public static class ExpressionCompiler
{
    /// <summary>An Int64 or a timestamp (seconds since the epoch).</summary>
    public static Evaluator<long> Integers(Expression expression) => expression switch
    {
        CallExpression call when Shared<long>(call, Integers, static (a, b) => a.CompareTo(b)) is { } shared => shared,
        CallExpression call => IntegerOperations.Compile(call),
        _ => expression.Type == ExpressionType.Timestamp ? TimeOperations.InRange(Leaf<long>(expression)) : Leaf<long>(expression),
    };

    /// <summary>A Float64.</summary>
    public static Evaluator<double> Doubles(Expression expression) => expression switch
    {
        CallExpression call when Shared<double>(call, Doubles, DoubleOperations.Compare) is { } shared => shared,
        CallExpression call => DoubleOperations.Compile(call),
        InputExpression => DoubleOperations.NotNan(Leaf<double>(expression)),
        _ => Leaf<double>(expression),
    };

    /// <summary>A String.</summary>
    public static Evaluator<string> Texts(Expression expression) => expression switch
    {
        CallExpression call when Shared<string>(call, Texts, TextOperations.Compare) is { } shared => shared,
        CallExpression call => TextOperations.Compile(call),
        _ => Leaf<string>(expression),
    };

    /// <summary>A Bool.</summary>
    public static Evaluator<bool> Truths(Expression expression) => expression switch
    {
        CallExpression call when Shared<bool>(call, Truths, static (a, b) => a.CompareTo(b)) is { } shared => shared,
        CallExpression call => TruthOperations.Compile(call),
        _ => Leaf<bool>(expression),
    };

    internal static ArgumentException Unknown(CallExpression call) => new($"No {call.Operation} makes {call.Type}.", nameof(call));

    private static Evaluator<T> Leaf<T>(Expression expression)
    {
        if (expression is InputExpression input)
        {
            var index = input.Index;
            return (InputBatch inputs, int row, out T value) => inputs.Column<T>(index).Get(row, out value);
        }

        var literal = ((LiteralExpression)expression).Value;
        var (constant, isThere) = literal is null ? (default(T)!, false) : ((T)literal, true);
        return (InputBatch _, int _, out T value) =>
        {
            value = constant;
            return isThere;
        };
    }

    /// <summary>The operations that choose one of their arguments, whatever its type; null for another operation.</summary>
    private static Evaluator<T>? Shared<T>(CallExpression call, Func<Expression, Evaluator<T>> compile, Comparison<T> compare) => call.Operation switch
    {
        Operation.Coalesce => Coalesce([.. call.Arguments.Select(compile)]),
        Operation.Least => Extreme([.. call.Arguments.Select(compile)], compare, -1),
        Operation.Greatest => Extreme([.. call.Arguments.Select(compile)], compare, 1),
        Operation.Case => Case(
            [.. call.Arguments.Where((_, i) => i % 2 == 0 && i < call.Arguments.Count - 1).Select(Truths)],
            [.. call.Arguments.Where((_, i) => i % 2 == 1 || i == call.Arguments.Count - 1).Select(compile)]),
        _ => null,
    };

    private static Evaluator<T> Coalesce<T>(Evaluator<T>[] arguments) => (InputBatch inputs, int row, out T value) =>
    {
        foreach (var argument in arguments)
        {
            if (argument(inputs, row, out value))
            {
                return true;
            }
        }

        value = default!;
        return false;
    };

    /// <summary>The first of the least, or greatest, that is not null.</summary>
    private static Evaluator<T> Extreme<T>(Evaluator<T>[] arguments, Comparison<T> compare, int sign) => (InputBatch inputs, int row, out T value) =>
    {
        var found = false;
        value = default!;
        foreach (var argument in arguments)
        {
            if (argument(inputs, row, out var next) && (!found || compare(next, value) * sign > 0))
            {
                (value, found) = (next, true);
            }
        }

        return found;
    };

    private static Evaluator<T> Case<T>(Evaluator<bool>[] conditions, Evaluator<T>[] values) => (InputBatch inputs, int row, out T value) =>
    {
        var chosen = 0;
        while (chosen < conditions.Length && !(conditions[chosen](inputs, row, out var isTrue) && isTrue))
        {
            chosen++;
        }

        return values[chosen](inputs, row, out value);
    };
}
