namespace FeatureStore.Registry.Expressions.Evaluation;

/// <summary>Operations that make integers; a result beyond 64 bits is null.</summary>
internal static class IntegerOperations
{
    private delegate bool Unary(long operand, out long result);

    private delegate bool Binary(long left, long right, out long result);

    public static Evaluator<long> Compile(CallExpression call)
    {
        var arguments = call.Arguments;
        return call.Operation switch
        {
            Operation.Add => Of(arguments, static (long a, long b, out long r) => Fits((Int128)a + b, out r)),
            Operation.Subtract => Of(arguments, static (long a, long b, out long r) => Fits((Int128)a - b, out r)),
            Operation.Multiply => Of(arguments, static (long a, long b, out long r) => Fits((Int128)a * b, out r)),
            Operation.Remainder => Of(arguments, Remainder),
            Operation.Negate => Of(arguments[0], static (long a, out long r) => Fits(-(Int128)a, out r)),
            Operation.Abs => Of(arguments[0], static (long a, out long r) => Fits(Int128.Abs(a), out r)),
            Operation.ToInt32 => Of(arguments[0], static (long a, out long r) => (r = a) is >= int.MinValue and <= int.MaxValue),
            Operation.ToInt64 => ToInt64(arguments[0]),
            Operation.Length => Length(ExpressionCompiler.Texts(arguments[0])),
            _ => TimeOperations.Compile(call),
        };
    }

    private static Evaluator<long> Of(Expression argument, Unary operation)
    {
        var operand = ExpressionCompiler.Integers(argument);
        return (InputBatch inputs, int row, out long value) => operand(inputs, row, out value) && operation(value, out value);
    }

    private static Evaluator<long> Of(IReadOnlyList<Expression> arguments, Binary operation)
    {
        var (left, right) = (ExpressionCompiler.Integers(arguments[0]), ExpressionCompiler.Integers(arguments[1]));
        return (InputBatch inputs, int row, out long value) =>
            left(inputs, row, out value) & right(inputs, row, out var other) && operation(value, other, out value);
    }

    private static bool Fits(Int128 exact, out long value)
    {
        value = unchecked((long)exact);
        return value == exact;
    }

    private static bool Remainder(long dividend, long divisor, out long value)
    {
        // The least integer over -1 overflows in the processor, though its remainder is 0.
        value = divisor is 0 or -1 ? 0 : dividend % divisor;
        return divisor != 0;
    }

    private static Evaluator<long> ToInt64(Expression argument)
    {
        if (argument.Type == ExpressionType.Bool)
        {
            var truth = ExpressionCompiler.Truths(argument);
            return (InputBatch inputs, int row, out long value) =>
            {
                var isThere = truth(inputs, row, out var isTrue);
                value = isTrue ? 1 : 0;
                return isThere;
            };
        }

        var number = ExpressionCompiler.Doubles(argument);
        return (InputBatch inputs, int row, out long value) =>
        {
            // A cut double that is an Int64; NaN is not.
            var fits = number(inputs, row, out var real) & (Math.Truncate(real) is >= -9223372036854775808.0 and < 9223372036854775808.0);
            value = fits ? (long)real : 0;
            return fits;
        };
    }

    private static Evaluator<long> Length(Evaluator<string> text) => (InputBatch inputs, int row, out long value) =>
    {
        value = 0;
        if (!text(inputs, row, out var read))
        {
            return false;
        }

        foreach (var character in read)
        {
            // The second half of a pair belongs to the character of the first.
            value += char.IsLowSurrogate(character) ? 0 : 1;
        }

        return true;
    };
}
