namespace FeatureStore.Registry.Expressions.Evaluation;

/// <summary>Parts of times, in UTC. A timestamp outside the years 1 to 9999 is null, so every other one has parts.</summary>
internal static class TimeOperations
{
    public static Evaluator<long> Compile(CallExpression call)
    {
        var argument = ExpressionCompiler.Integers(call.Arguments[0]);
        return call.Operation switch
        {
            Operation.FromUnix => InRange(argument),
            Operation.UnixSeconds => argument,
            Operation.SecondsBetween => Between(argument, ExpressionCompiler.Integers(call.Arguments[1])),
            Operation.Year => Part(argument, static t => t.Year),
            Operation.Month => Part(argument, static t => t.Month),
            Operation.Day => Part(argument, static t => t.Day),
            Operation.Hour => Part(argument, static t => t.Hour),
            Operation.Minute => Part(argument, static t => t.Minute),
            Operation.Second => Part(argument, static t => t.Second),

            // Monday is 1, as in ISO 8601; .NET counts from Sunday, 0.
            Operation.Weekday => Part(argument, static t => t.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)t.DayOfWeek),
            _ => throw ExpressionCompiler.Unknown(call),
        };
    }

    public static Evaluator<long> InRange(Evaluator<long> seconds) =>
        (InputBatch inputs, int row, out long value) => seconds(inputs, row, out value) && value is >= TimeRange.Least and <= TimeRange.Greatest;

    private static Evaluator<long> Between(Evaluator<long> from, Evaluator<long> to) => (InputBatch inputs, int row, out long value) =>
    {
        var isThere = from(inputs, row, out var first) & to(inputs, row, out var last);
        value = isThere ? last - first : 0;
        return isThere;
    };

    private static Evaluator<long> Part(Evaluator<long> seconds, Func<DateTime, int> part) => (InputBatch inputs, int row, out long value) =>
    {
        if (!seconds(inputs, row, out value))
        {
            return false;
        }

        value = part(DateTime.UnixEpoch.AddTicks(value * TimeSpan.TicksPerSecond));
        return true;
    };
}
