namespace FeatureStore.Registry.Expressions;

/// <summary>Types of the language. A timestamp is whole seconds since the epoch, as the online store holds one.</summary>
public enum ExpressionType
{
    /// <summary>The literal <c>null</c> before its place gives it a type; no checked tree holds it.</summary>
    Null,
    Int64,
    Double,
    String,
    Bool,
    Timestamp,
}

/// <summary>What a call does; the rules of each are in docs/on-demand.md.</summary>
public enum Operation
{
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Negate,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Not,
    IsNull,
    In,
    Case,
    Coalesce,
    Least,
    Greatest,
    ToDouble,
    ToInt64,
    ToText,
    Abs,
    Round,
    Floor,
    Ceil,
    Ln,
    Exp,
    Sqrt,
    Pow,
    IsNan,
    IsFinite,
    Lower,
    Upper,
    Length,
    Substr,
    Concat,
    Contains,
    StartsWith,
    EndsWith,
    Trim,
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Weekday,
    SecondsBetween,
    UnixSeconds,
    FromUnix,

    /// <summary>A double that is neither NaN nor infinite, else null.</summary>
    Finite,

    /// <summary>A double as the nearest 32-bit one, null beyond its range.</summary>
    ToFloat32,

    /// <summary>An integer of 32 bits, null beyond its range.</summary>
    ToInt32,
}

/// <summary>A node of a typed expression. Immutable, and the same for every engine that runs it.</summary>
public abstract class Expression
{
    private protected Expression(ExpressionType type, int column, int height) => (Type, Column, Height) = (type, column, height);

    public ExpressionType Type { get; }

    /// <summary>Where it begins in its text, from 1.</summary>
    public int Column { get; }

    /// <summary>Levels of nodes, which recursion over the tree goes down.</summary>
    public int Height { get; }
}

/// <summary>The value of an input, by its place among the view's inputs.</summary>
public sealed class InputExpression : Expression
{
    internal InputExpression(int index, ExpressionType type, int column)
        : base(type, column, 1) => Index = index;

    public int Index { get; }
}

/// <summary>A constant: long (also for a timestamp), double, string, bool or null.</summary>
public sealed class LiteralExpression : Expression
{
    internal LiteralExpression(object? value, ExpressionType type, int column)
        : base(type, column, 1) => Value = value;

    public object? Value { get; }
}

/// <summary>An operation over arguments, whose types were checked. A case has condition, value, condition, value … and the value for else.</summary>
public sealed class CallExpression : Expression
{
    internal CallExpression(Operation operation, IReadOnlyList<Expression> arguments, ExpressionType type, int column)
        : base(type, column, 1 + arguments.Max(a => a.Height)) => (Operation, Arguments) = (operation, arguments);

    public Operation Operation { get; }

    public IReadOnlyList<Expression> Arguments { get; }
}

/// <summary>The text is no expression, or its types do not fit; <see cref="Column"/> is the place in the text, from 1.</summary>
public sealed class ExpressionException(string message, int column) : Exception(message)
{
    public int Column { get; } = column;
}
