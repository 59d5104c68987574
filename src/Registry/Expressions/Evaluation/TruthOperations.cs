namespace FeatureStore.Registry.Expressions.Evaluation;

/// <summary>Comparisons, and the three-valued logic of SQL.</summary>
internal static class TruthOperations
{
    public static Evaluator<bool> Compile(CallExpression call)
    {
        var arguments = call.Arguments;
        return call.Operation switch
        {
            Operation.And => Both(arguments, decides: false),
            Operation.Or => Both(arguments, decides: true),
            Operation.Not => Not(ExpressionCompiler.Truths(arguments[0])),
            Operation.IsNull => IsNull(arguments[0]),
            Operation.IsNan => OfDouble(arguments[0], double.IsNaN),
            Operation.IsFinite => OfDouble(arguments[0], double.IsFinite),
            Operation.Contains => OfTexts(arguments, static (a, b) => a.Contains(b, StringComparison.Ordinal)),
            Operation.StartsWith => OfTexts(arguments, static (a, b) => a.StartsWith(b, StringComparison.Ordinal)),
            Operation.EndsWith => OfTexts(arguments, static (a, b) => a.EndsWith(b, StringComparison.Ordinal)),
            Operation.In or Operation.Equal or Operation.NotEqual or Operation.Less or Operation.LessOrEqual or Operation.Greater or Operation.GreaterOrEqual
                => arguments[0].Type switch
                {
                    ExpressionType.Double => Compared(call, ExpressionCompiler.Doubles, DoubleOperations.Compare),
                    ExpressionType.String => Compared(call, ExpressionCompiler.Texts, TextOperations.Compare),
                    ExpressionType.Bool => Compared(call, ExpressionCompiler.Truths, static (a, b) => a.CompareTo(b)),
                    _ => Compared(call, ExpressionCompiler.Integers, static (a, b) => a.CompareTo(b)),
                },
            _ => throw ExpressionCompiler.Unknown(call),
        };
    }

    private static Evaluator<bool> Compared<T>(CallExpression call, Func<Expression, Evaluator<T>> compile, Comparison<T> compare)
    {
        if (call.Operation == Operation.In)
        {
            return In(compile(call.Arguments[0]), [.. call.Arguments.Skip(1).Select(compile)], compare);
        }

        Func<int, bool> holds = call.Operation switch
        {
            Operation.Equal => static order => order == 0,
            Operation.NotEqual => static order => order != 0,
            Operation.Less => static order => order < 0,
            Operation.LessOrEqual => static order => order <= 0,
            Operation.Greater => static order => order > 0,
            _ => static order => order >= 0,
        };
        var (left, right) = (compile(call.Arguments[0]), compile(call.Arguments[1]));
        return (InputBatch inputs, int row, out bool value) =>
        {
            var isThere = left(inputs, row, out var one) & right(inputs, row, out var other);
            value = isThere && holds(compare(one, other));
            return isThere;
        };
    }

    /// <summary>True if it is among the values; else null if one of them is null.</summary>
    private static Evaluator<bool> In<T>(Evaluator<T> operand, Evaluator<T>[] values, Comparison<T> compare) => (InputBatch inputs, int row, out bool value) =>
    {
        value = false;
        if (!operand(inputs, row, out var wanted))
        {
            return false;
        }

        var isKnown = true;
        foreach (var one in values)
        {
            if (!one(inputs, row, out var found))
            {
                isKnown = false;
            }
            else if (compare(wanted, found) == 0)
            {
                return value = true;
            }
        }

        return isKnown;
    };

    /// <summary>And or or: the value that decides wins over null, and null over the other.</summary>
    private static Evaluator<bool> Both(IReadOnlyList<Expression> arguments, bool decides)
    {
        var (left, right) = (ExpressionCompiler.Truths(arguments[0]), ExpressionCompiler.Truths(arguments[1]));
        return (InputBatch inputs, int row, out bool value) =>
        {
            var hasLeft = left(inputs, row, out value);
            if (hasLeft && value == decides)
            {
                return true;
            }

            return right(inputs, row, out value) && (hasLeft || value == decides);
        };
    }

    private static Evaluator<bool> Not(Evaluator<bool> operand) => (InputBatch inputs, int row, out bool value) =>
    {
        var isThere = operand(inputs, row, out value);
        value = !value;
        return isThere;
    };

    private static Evaluator<bool> IsNull(Expression operand) => operand.Type switch
    {
        ExpressionType.Null => (InputBatch _, int _, out bool value) => value = true,
        ExpressionType.Double => IsNull(ExpressionCompiler.Doubles(operand)),
        ExpressionType.String => IsNull(ExpressionCompiler.Texts(operand)),
        ExpressionType.Bool => IsNull(ExpressionCompiler.Truths(operand)),
        _ => IsNull(ExpressionCompiler.Integers(operand)),
    };

    private static Evaluator<bool> IsNull<T>(Evaluator<T> operand) => (InputBatch inputs, int row, out bool value) =>
    {
        value = !operand(inputs, row, out _);
        return true;
    };

    private static Evaluator<bool> OfDouble(Expression argument, Predicate<double> holds)
    {
        var operand = ExpressionCompiler.Doubles(argument);
        return (InputBatch inputs, int row, out bool value) =>
        {
            var isThere = operand(inputs, row, out var number);
            value = holds(number);
            return isThere;
        };
    }

    private static Evaluator<bool> OfTexts(IReadOnlyList<Expression> arguments, Func<string, string, bool> holds)
    {
        var (left, right) = (ExpressionCompiler.Texts(arguments[0]), ExpressionCompiler.Texts(arguments[1]));
        return (InputBatch inputs, int row, out bool value) =>
        {
            var isThere = left(inputs, row, out var one) & right(inputs, row, out var other);
            value = isThere && holds(one, other);
            return isThere;
        };
    }
}
