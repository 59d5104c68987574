using System.Globalization;

namespace FeatureStore.Registry.Expressions;

/// <summary>
/// Parses an expression by binding powers, and gives each node its type as it is made. Bounded: a text of at most
/// <see cref="LengthMax"/> characters, nested at most <see cref="DepthMax"/> deep.
/// </summary>
internal sealed class ExpressionParser
{
    /// <summary>Longest text, in UTF-16 characters.</summary>
    public const int LengthMax = 4_096;

    /// <summary>Most levels of parentheses and prefixes, and of nodes.</summary>
    public const int DepthMax = 64;

    private readonly IReadOnlyList<Token> _tokens;
    private readonly Func<Token, Expression> _input;
    private int _next;
    private int _depth;

    private ExpressionParser(IReadOnlyList<Token> tokens, Func<Token, Expression> input) => (_tokens, _input) = (tokens, input);

    private Token Current => _tokens[_next];

    /// <param name="input">The input that a name stands for; throws where there is none.</param>
    /// <exception cref="ExpressionException">The text is no expression.</exception>
    public static Expression Parse(string text, Func<Token, Expression> input)
    {
        if (text.Length > LengthMax)
        {
            throw new ExpressionException($"the expression has {text.Length} characters, and {LengthMax} are the most; split it into several features", LengthMax + 1);
        }

        var parser = new ExpressionParser(Tokenizer.Read(text), input);
        var expression = parser.Expression(0);
        return parser.Current.Kind == TokenKind.End
            ? expression
            : throw new ExpressionException($"{parser.Current.Shown} comes after the end of the expression; write an operator before it, or remove it", parser.Current.Column);
    }

    private Expression Expression(int power)
    {
        if (++_depth > DepthMax)
        {
            throw TooDeep(Current.Column);
        }

        var left = Prefix();
        while (true)
        {
            var token = Current;
            if (power < Operators.ComparisonPower && token.Is("is"))
            {
                left = IsNull(left);
            }
            else if (power < Operators.ComparisonPower && (token.Is("in") || (token.Is("not") && _tokens[_next + 1].Is("in"))))
            {
                left = In(left);
            }
            else if (token.Kind is TokenKind.Symbol or TokenKind.Word && Operators.Infix.TryGetValue(token.Text, out var infix) && infix.Power > power)
            {
                _next++;
                left = Typing.Binary(infix.Operation, left, Expression(infix.Power), token);
            }
            else
            {
                break;
            }

            if (left.Height > DepthMax)
            {
                throw TooDeep(token.Column);
            }
        }

        _depth--;
        return left;
    }

    private Expression Prefix()
    {
        var token = Current;
        _next++;
        switch (token.Kind)
        {
            case TokenKind.Integer or TokenKind.Real:
                return Number(token, string.Empty);
            case TokenKind.Text:
                return new LiteralExpression(token.Text, ExpressionType.String, token.Column);
            case TokenKind.Quoted:
                return _input(token);
            case TokenKind.Symbol when token.Text == "(":
                var inner = Expression(0);
                Take(")");
                return inner;
            case TokenKind.Symbol when token.Text == "-":
                if (Current.Kind is TokenKind.Integer or TokenKind.Real)
                {
                    _next++;
                    return Number(_tokens[_next - 1], "-");
                }

                return Typing.Negate(Expression(Operators.NegatePower), token);
            case TokenKind.Word:
                return Word(token);
            default:
                throw new ExpressionException($"a value is missing before {token.Shown}; write an input, a constant or a function", token.Column);
        }
    }

    private Expression Word(Token token)
    {
        switch (token.Text.ToLowerInvariant())
        {
            case "true" or "false":
                return new LiteralExpression(token.Is("true"), ExpressionType.Bool, token.Column);
            case "null":
                return new LiteralExpression(null, ExpressionType.Null, token.Column);
            case "not":
                return Typing.Not(Expression(Operators.NotPower), token);
            case "case":
                return Case(token);
            default:
                if (Operators.Keywords.Contains(token.Text))
                {
                    throw new ExpressionException($"a value is missing before '{token.Text}'; an input of that name stands in double quotes", token.Column);
                }

                return Current.Is("(") ? Functions.Call(token, Arguments()) : _input(token);
        }
    }

    private static LiteralExpression Number(Token token, string sign)
    {
        if (token.Kind == TokenKind.Integer && long.TryParse(sign + token.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole))
        {
            return new LiteralExpression(whole, ExpressionType.Int64, token.Column);
        }

        var real = double.Parse(sign + token.Text, NumberStyles.Float, CultureInfo.InvariantCulture);
        return token.Kind == TokenKind.Real && double.IsFinite(real)
            ? new LiteralExpression(real, ExpressionType.Double, token.Column)
            : throw new ExpressionException($"{sign}{token.Text} is beyond what {(token.Kind == TokenKind.Real ? "a Float64" : "an Int64")} holds; write a smaller number, or one with a point", token.Column);
    }

    private Expression IsNull(Expression operand)
    {
        var token = Current;
        _next++;
        var isNegated = Current.Is("not");
        _next += isNegated ? 1 : 0;
        Take("null");
        var test = new CallExpression(Operation.IsNull, [operand], ExpressionType.Bool, operand.Column);
        return isNegated ? Typing.Not(test, token) : test;
    }

    private Expression In(Expression operand)
    {
        var token = Current;
        var isNegated = token.Is("not");
        _next += isNegated ? 2 : 1;
        if (!Current.Is("("))
        {
            throw new ExpressionException($"a list is missing before {Current.Shown}; write in ('a', 'b')", Current.Column);
        }

        var test = Typing.In(operand, Arguments(), token);
        return isNegated ? Typing.Not(test, token) : test;
    }

    private Expression Case(Token token)
    {
        var parts = new List<Expression>();
        while (Current.Is("when"))
        {
            _next++;
            parts.Add(Expression(0));
            Take("then");
            parts.Add(Expression(0));
        }

        if (parts.Count == 0)
        {
            throw new ExpressionException($"'when' is missing before {Current.Shown}; write case when condition then value else value end", Current.Column);
        }

        if (Current.Is("else"))
        {
            _next++;
            parts.Add(Expression(0));
        }
        else
        {
            parts.Add(new LiteralExpression(null, ExpressionType.Null, Current.Column));
        }

        Take("end");
        return Typing.Case(parts, token);
    }

    private List<Expression> Arguments()
    {
        Take("(");
        var arguments = new List<Expression>();
        while (!Current.Is(")"))
        {
            if (arguments.Count > 0)
            {
                Take(",");
            }

            arguments.Add(Expression(0));
        }

        _next++;
        return arguments;
    }

    private void Take(string wanted)
    {
        if (!Current.Is(wanted))
        {
            throw new ExpressionException($"'{wanted}' is missing before {Current.Shown}; write it there", Current.Column);
        }

        _next++;
    }

    private static ExpressionException TooDeep(int column) =>
        new($"the expression is nested more than {DepthMax} deep here; split it into several features, or use case and the functions that take many values", column);
}
