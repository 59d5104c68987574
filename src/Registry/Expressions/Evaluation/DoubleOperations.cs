namespace FeatureStore.Registry.Expressions.Evaluation;

/// <summary>Operations that make doubles, by IEEE 754; what has no value (a division by zero, the root of a negative number) is null.</summary>
internal static class DoubleOperations
{
    private delegate bool Unary(double operand, out double result);

    private delegate bool Binary(double left, double right, out double result);

    public static Evaluator<double> Compile(CallExpression call)
    {
        var arguments = call.Arguments;
        return call.Operation switch
        {
            Operation.Add => Of(arguments, static (double a, double b, out double r) => Is(a + b, out r)),
            Operation.Subtract => Of(arguments, static (double a, double b, out double r) => Is(a - b, out r)),
            Operation.Multiply => Of(arguments, static (double a, double b, out double r) => Is(a * b, out r)),
            Operation.Divide => Of(arguments, static (double a, double b, out double r) => Is(a / b, out r) && b != 0),
            Operation.Pow => Of(arguments, static (double a, double b, out double r) => Is(Math.Pow(a, b), out r)),
            Operation.Negate => Of(arguments[0], static (double a, out double r) => Is(-a, out r)),
            Operation.Abs => Of(arguments[0], static (double a, out double r) => Is(Math.Abs(a), out r)),
            Operation.Round => Of(arguments[0], static (double a, out double r) => Is(Math.Round(a, MidpointRounding.AwayFromZero), out r)),
            Operation.Floor => Of(arguments[0], static (double a, out double r) => Is(Math.Floor(a), out r)),
            Operation.Ceil => Of(arguments[0], static (double a, out double r) => Is(Math.Ceiling(a), out r)),
            Operation.Exp => Of(arguments[0], static (double a, out double r) => Is(Math.Exp(a), out r)),
            Operation.Ln => Of(arguments[0], static (double a, out double r) => Is(Math.Log(a), out r) && !(a <= 0)),
            Operation.Sqrt => Of(arguments[0], static (double a, out double r) => Is(Math.Sqrt(a), out r) && !(a < 0)),
            Operation.Finite => Of(arguments[0], static (double a, out double r) => double.IsFinite(r = a)),
            Operation.ToFloat32 => Of(arguments[0], static (double a, out double r) => double.IsFinite(r = (float)a)),
            Operation.ToDouble => ToDouble(ExpressionCompiler.Integers(arguments[0])),
            _ => throw ExpressionCompiler.Unknown(call),
        };
    }

    /// <summary>The order of SQL: NaN equals itself and is the greatest, and the zeros are equal.</summary>
    public static int Compare(double left, double right) =>
        left < right ? -1 : left > right ? 1 : left == right ? 0 : double.IsNaN(left).CompareTo(double.IsNaN(right));

    /// <summary>An input that is NaN counts as null, as a stored one does.</summary>
    public static Evaluator<double> NotNan(Evaluator<double> input) => (InputBatch inputs, int row, out double value) => input(inputs, row, out value) && !double.IsNaN(value);

    private static bool Is(double result, out double value)
    {
        value = result;
        return true;
    }

    private static Evaluator<double> Of(Expression argument, Unary operation)
    {
        var operand = ExpressionCompiler.Doubles(argument);
        return (InputBatch inputs, int row, out double value) => operand(inputs, row, out value) && operation(value, out value);
    }

    private static Evaluator<double> Of(IReadOnlyList<Expression> arguments, Binary operation)
    {
        var (left, right) = (ExpressionCompiler.Doubles(arguments[0]), ExpressionCompiler.Doubles(arguments[1]));
        return (InputBatch inputs, int row, out double value) =>
            left(inputs, row, out value) & right(inputs, row, out var other) && operation(value, other, out value);
    }

    private static Evaluator<double> ToDouble(Evaluator<long> integer) => (InputBatch inputs, int row, out double value) =>
    {
        var isThere = integer(inputs, row, out var whole);
        value = whole;
        return isThere;
    };
}
