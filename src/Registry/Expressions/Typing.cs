using Kind = Feast.Types.ValueType.Types.Enum;
using T = FeatureStore.Registry.Expressions.ExpressionType;

namespace FeatureStore.Registry.Expressions;

/// <summary>Makes nodes whose argument types fit; integers become doubles where they meet one.</summary>
internal static class Typing
{
    /// <summary>A type as definitions name it.</summary>
    public static string Name(ExpressionType type) => type switch
    {
        T.Int64 => "Int64",
        T.Double => "Float64",
        T.String => "String",
        T.Bool => "Bool",
        T.Timestamp => "UnixTimestamp",
        _ => "null",
    };

    /// <summary>The language's type of a feature's; null where it has none.</summary>
    public static ExpressionType? Of(Kind kind) => kind switch
    {
        Kind.Int64 or Kind.Int32 => T.Int64,
        Kind.Double or Kind.Float => T.Double,
        Kind.String => T.String,
        Kind.Bool => T.Bool,
        Kind.UnixTimestamp => T.Timestamp,
        _ => null,
    };

    public static Expression Binary(Operation operation, Expression left, Expression right, Token token)
    {
        switch (operation)
        {
            case Operation.And or Operation.Or:
                return Call(operation, T.Bool, token.Column, Be(left, T.Bool, token), Be(right, T.Bool, token));
            case Operation.Concat:
                return Call(operation, T.String, token.Column, Be(left, T.String, token), Be(right, T.String, token));
            case Operation.Divide:
                return Call(operation, T.Double, token.Column, Be(left, T.Double, token), Be(right, T.Double, token));
            case Operation.Remainder:
                return Call(operation, T.Int64, token.Column, Be(left, T.Int64, token), Be(right, T.Int64, token));
            case Operation.Add or Operation.Subtract or Operation.Multiply:
                var number = Number(left, token) == T.Int64 && Number(right, token) == T.Int64 ? T.Int64 : T.Double;
                return Call(operation, number, token.Column, Be(left, number, token), Be(right, number, token));
            default:
                return Comparison(operation, left, right, token);
        }
    }

    public static Expression Negate(Expression operand, Token token) => Call(Operation.Negate, Number(operand, token), token.Column, operand);

    public static Expression Not(Expression operand, Token token) => Call(Operation.Not, T.Bool, token.Column, Be(operand, T.Bool, token));

    public static Expression In(Expression operand, IReadOnlyList<Expression> values, Token token)
    {
        if (values.Count == 0)
        {
            throw new ExpressionException("the list of 'in' is empty; write in ('a', 'b')", token.Column);
        }

        return new CallExpression(Operation.In, Alike([operand, .. values], token), T.Bool, token.Column);
    }

    /// <param name="parts">Condition, value, condition, value …, and the value for else.</param>
    public static Expression Case(IReadOnlyList<Expression> parts, Token token)
    {
        var values = Alike([.. parts.Where((_, i) => i % 2 == 1 || i == parts.Count - 1)], token);
        var typed = new Expression[parts.Count];
        for (var i = 0; i < parts.Count; i++)
        {
            var isValue = i % 2 == 1 || i == parts.Count - 1;
            typed[i] = isValue ? values[i == parts.Count - 1 ? values.Length - 1 : i / 2] : Be(parts[i], T.Bool, token);
        }

        return new CallExpression(Operation.Case, typed, values[0].Type, token.Column);
    }

    /// <summary>The expressions in their one type: doubles where integers meet doubles.</summary>
    public static Expression[] Alike(IReadOnlyList<Expression> expressions, Token token)
    {
        var types = expressions.Select(e => e.Type).Where(t => t != T.Null).Distinct().ToArray();
        var type = types switch
        {
            [var one] => one,
            [T.Int64, T.Double] or [T.Double, T.Int64] => T.Double,
            [] => throw new ExpressionException($"{token.Shown} has nulls alone, which have no type; write a value of the type that is meant", token.Column),
            _ => throw new ExpressionException($"{token.Shown} has values of the types {string.Join(" and ", types.Select(Name))}; make them one type", token.Column),
        };
        return [.. expressions.Select(e => Be(e, type, token))];
    }

    /// <summary>The expression as a type: itself, a double for an integer, a null of the type.</summary>
    public static Expression Be(Expression expression, ExpressionType type, Token token) => expression switch
    {
        _ when expression.Type == type => expression,
        LiteralExpression { Type: T.Null } => new LiteralExpression(null, type, expression.Column),
        LiteralExpression { Value: long whole } when type == T.Double && expression.Type == T.Int64 => new LiteralExpression((double)whole, type, expression.Column),
        _ when type == T.Double && expression.Type == T.Int64 => new CallExpression(Operation.ToDouble, [expression], type, expression.Column),
        _ => throw new ExpressionException($"{token.Shown} takes {Name(type)}, and this is {Name(expression.Type)}; {WayTo(expression.Type, type)}", expression.Column),
    };

    /// <summary>Int64 or Float64; anything else is a fault.</summary>
    public static ExpressionType Number(Expression expression, Token token) => expression.Type is T.Int64 or T.Double
        ? expression.Type
        : throw new ExpressionException($"{token.Shown} takes numbers, and this is {Name(expression.Type)}; {WayTo(expression.Type, T.Int64)}", expression.Column);

    /// <summary>What a feature of the declared type holds: finite, and within its range.</summary>
    public static Expression Result(Expression expression, Kind kind)
    {
        var wanted = Of(kind)!.Value;
        if (expression.Type != wanted && expression.Type != T.Null && (wanted, expression.Type) != (T.Double, T.Int64))
        {
            throw new ExpressionException($"the expression makes {Name(expression.Type)}, and the feature is declared {Definitions.FieldTypes.Text(kind)}; change its dtype, or {WayTo(expression.Type, wanted)}", expression.Column);
        }

        var result = Be(expression, wanted, default);
        result = wanted == T.Double ? Call(Operation.Finite, wanted, result.Column, result) : result;
        return kind switch
        {
            Kind.Float => Call(Operation.ToFloat32, wanted, result.Column, result),
            Kind.Int32 => Call(Operation.ToInt32, wanted, result.Column, result),
            _ => result,
        };
    }

    public static CallExpression Call(Operation operation, ExpressionType type, int column, params Expression[] arguments) => new(operation, arguments, type, column);

    private static CallExpression Comparison(Operation operation, Expression left, Expression right, Token token)
    {
        if (left.Type == T.Null || right.Type == T.Null)
        {
            throw new ExpressionException("a comparison with null is always null; write 'is null' or 'is not null'", token.Column);
        }

        var alike = Alike([left, right], token);
        if (alike[0].Type == T.Bool && operation is not (Operation.Equal or Operation.NotEqual))
        {
            throw new ExpressionException($"Bool has no order, so {token.Shown} cannot compare it; write = or <>", token.Column);
        }

        return new CallExpression(operation, alike, T.Bool, token.Column);
    }

    private static string WayTo(ExpressionType from, ExpressionType to) => (from, to) switch
    {
        (T.Double, T.Int64) => "write int(…) to cut it to a whole number, or round it first",
        (T.Bool, T.Int64 or T.Double) => "write int(…) for 1 and 0",
        (T.Int64 or T.Bool, T.String) => "write string(…)",
        (T.Timestamp, T.Int64 or T.Double) => "write unix_seconds(…) or seconds_between(…, …)",
        (T.Int64, T.Timestamp) => "write from_unix(…)",
        (_, T.Bool) => "write a comparison",
        (T.Null, _) => "write a value, or coalesce",
        _ => "take an input of that type",
    };
}
