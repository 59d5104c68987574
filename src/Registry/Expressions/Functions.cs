using System.Globalization;
using T = FeatureStore.Registry.Expressions.ExpressionType;

namespace FeatureStore.Registry.Expressions;

/// <summary>The functions by name: how many values each takes, and of which types.</summary>
internal static class Functions
{
    // Ten to a greater power is no exact double any more in all cases that round needs.
    private const int DigitsMax = 15;

    private static readonly Dictionary<string, Function> ByName = new(StringComparer.OrdinalIgnoreCase)
    {
        ["if"] = new(3, 3, (a, t) => Typing.Case(a, t)),
        ["coalesce"] = new(1, int.MaxValue, (a, t) => Many(Operation.Coalesce, a, t)),
        ["least"] = new(1, int.MaxValue, (a, t) => Ordered(Operation.Least, a, t)),
        ["greatest"] = new(1, int.MaxValue, (a, t) => Ordered(Operation.Greatest, a, t)),
        ["abs"] = new(1, 1, (a, t) => Typing.Call(Operation.Abs, Typing.Number(a[0], t), t.Column, a[0])),
        ["round"] = new(1, 2, Round),
        ["floor"] = new(1, 1, (a, t) => Whole(Operation.Floor, a[0], t)),
        ["ceil"] = new(1, 1, (a, t) => Whole(Operation.Ceil, a[0], t)),
        ["ln"] = Of(Operation.Ln, T.Double, T.Double),
        ["exp"] = Of(Operation.Exp, T.Double, T.Double),
        ["sqrt"] = Of(Operation.Sqrt, T.Double, T.Double),
        ["pow"] = Of(Operation.Pow, T.Double, T.Double, T.Double),
        ["is_nan"] = Of(Operation.IsNan, T.Bool, T.Double),
        ["is_finite"] = Of(Operation.IsFinite, T.Bool, T.Double),
        ["int"] = new(1, 1, ToInt64),
        ["double"] = new(1, 1, (a, t) => Typing.Be(a[0], T.Double, t)),
        ["string"] = new(1, 1, ToText),
        ["lower"] = Of(Operation.Lower, T.String, T.String),
        ["upper"] = Of(Operation.Upper, T.String, T.String),
        ["trim"] = Of(Operation.Trim, T.String, T.String),
        ["length"] = Of(Operation.Length, T.Int64, T.String),
        ["substr"] = new(2, 3, Substr),
        ["concat"] = new(1, int.MaxValue, (a, t) => new CallExpression(Operation.Concat, [.. a.Select(e => Typing.Be(e, T.String, t))], T.String, t.Column)),
        ["contains"] = Of(Operation.Contains, T.Bool, T.String, T.String),
        ["starts_with"] = Of(Operation.StartsWith, T.Bool, T.String, T.String),
        ["ends_with"] = Of(Operation.EndsWith, T.Bool, T.String, T.String),
        ["year"] = Of(Operation.Year, T.Int64, T.Timestamp),
        ["month"] = Of(Operation.Month, T.Int64, T.Timestamp),
        ["day"] = Of(Operation.Day, T.Int64, T.Timestamp),
        ["hour"] = Of(Operation.Hour, T.Int64, T.Timestamp),
        ["minute"] = Of(Operation.Minute, T.Int64, T.Timestamp),
        ["second"] = Of(Operation.Second, T.Int64, T.Timestamp),
        ["weekday"] = Of(Operation.Weekday, T.Int64, T.Timestamp),
        ["seconds_between"] = Of(Operation.SecondsBetween, T.Int64, T.Timestamp, T.Timestamp),
        ["unix_seconds"] = Of(Operation.UnixSeconds, T.Int64, T.Timestamp),
        ["from_unix"] = Of(Operation.FromUnix, T.Timestamp, T.Int64),
        ["timestamp"] = new(1, 1, TimestampLiteral),
    };

    /// <summary>Every name, in order.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. ByName.Keys.Order(StringComparer.Ordinal)];

    /// <exception cref="ExpressionException">There is no such function, or its values do not fit.</exception>
    public static Expression Call(Token name, IReadOnlyList<Expression> arguments)
    {
        if (!ByName.TryGetValue(name.Text, out var function))
        {
            throw new ExpressionException($"there is no function '{name.Text}'; there are: {string.Join(", ", Names)}", name.Column);
        }

        if (arguments.Count < function.Least || arguments.Count > function.Most)
        {
            var wanted = function.Least == function.Most ? $"{function.Least}" : function.Most == int.MaxValue ? $"{function.Least} or more" : $"{function.Least} or {function.Most}";
            throw new ExpressionException($"'{name.Text}' takes {wanted} values, and has {arguments.Count}; see docs/on-demand.md", name.Column);
        }

        return function.Make(arguments, name);
    }

    private static Function Of(Operation operation, ExpressionType result, params ExpressionType[] parameters) => new(
        parameters.Length,
        parameters.Length,
        (a, t) => new CallExpression(operation, [.. a.Select((e, i) => Typing.Be(e, parameters[i], t))], result, t.Column));

    private static Expression Many(Operation operation, IReadOnlyList<Expression> arguments, Token name)
    {
        var alike = Typing.Alike(arguments, name);
        return new CallExpression(operation, alike, alike[0].Type, name.Column);
    }

    private static Expression Ordered(Operation operation, IReadOnlyList<Expression> arguments, Token name)
    {
        var call = Many(operation, arguments, name);
        return call.Type == T.Bool
            ? throw new ExpressionException($"Bool has no order, so '{name.Text}' cannot take it; write a condition with and, or", name.Column)
            : call;
    }

    // An integer is whole already.
    private static Expression Whole(Operation operation, Expression argument, Token name) =>
        Typing.Number(argument, name) == T.Int64 ? argument : Typing.Call(operation, T.Double, name.Column, argument);

    private static Expression Round(IReadOnlyList<Expression> arguments, Token name)
    {
        if (arguments.Count == 1 || arguments[0].Type == T.Int64)
        {
            return Whole(Operation.Round, arguments[0], name);
        }

        if (arguments[1] is not LiteralExpression { Value: long and >= 0 and <= DigitsMax and var digits })
        {
            throw new ExpressionException($"the digits of '{name.Text}' must be a constant from 0 to {DigitsMax}", arguments[1].Column);
        }

        // By its definition: what is rounded is the product in doubles.
        var power = new LiteralExpression(double.Parse($"1e{digits}", CultureInfo.InvariantCulture), T.Double, arguments[1].Column);
        var product = Typing.Call(Operation.Multiply, T.Double, name.Column, Typing.Be(arguments[0], T.Double, name), power);
        return Typing.Call(Operation.Divide, T.Double, name.Column, Whole(Operation.Round, product, name), power);
    }

    private static Expression ToInt64(IReadOnlyList<Expression> arguments, Token name) => arguments[0].Type switch
    {
        T.Int64 => arguments[0],
        T.Double or T.Bool => Typing.Call(Operation.ToInt64, T.Int64, name.Column, arguments[0]),
        _ => Typing.Be(arguments[0], T.Int64, name),
    };

    private static Expression ToText(IReadOnlyList<Expression> arguments, Token name) => arguments[0].Type switch
    {
        T.Int64 or T.Bool => Typing.Call(Operation.ToText, T.String, name.Column, arguments[0]),
        _ => Typing.Be(arguments[0], T.String, name),
    };

    private static Expression Substr(IReadOnlyList<Expression> arguments, Token name)
    {
        foreach (var bound in arguments.Skip(1))
        {
            if (bound is LiteralExpression { Value: long number } && number < (bound == arguments[1] ? 1 : 0))
            {
                throw new ExpressionException($"'{name.Text}' begins at 1 or later and takes 0 characters or more; write substr(text, 1, 3) for the first three", bound.Column);
            }
        }

        return new CallExpression(
            Operation.Substr, [Typing.Be(arguments[0], T.String, name), .. arguments.Skip(1).Select(e => Typing.Be(e, T.Int64, name))], T.String, name.Column);
    }

    private static Expression TimestampLiteral(IReadOnlyList<Expression> arguments, Token name)
    {
        string[] forms = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd"];
        return arguments[0] is LiteralExpression { Value: string text }
            && DateTimeOffset.TryParseExact(text, forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
                ? new LiteralExpression(time.ToUnixTimeSeconds(), T.Timestamp, name.Column)
                : throw new ExpressionException("'timestamp' takes one constant such as timestamp('2026-11-02T00:00:00Z') or timestamp('2026-11-02')", arguments[0].Column);
    }

    private sealed record Function(int Least, int Most, Func<IReadOnlyList<Expression>, Token, Expression> Make);
}
