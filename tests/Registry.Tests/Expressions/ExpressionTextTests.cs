using FeatureStore.Registry.Expressions;
using FeatureStore.Registry.Expressions.Evaluation;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Registry.Tests.Expressions;

public sealed class ExpressionTextTests
{
    private static readonly ExpressionInput[] Inputs =
    [
        new("people", new FieldModel("age", Kind.Int64)), new("week", new FieldModel("total", Kind.Double)), new("people", new FieldModel("city", Kind.String)),
        new("week", new FieldModel("city", Kind.String)), new(null, new FieldModel("amount", Kind.Double)), new("week", new FieldModel("places", Kind.StringList)),
        new(null, new FieldModel("at", Kind.UnixTimestamp)), new(null, new FieldModel("end", Kind.Bool)),
    ];

    private static readonly InputBatch Row = new(
    [
        InputColumn.Of([40L], [true]), InputColumn.Of([12.5], [true]), InputColumn.Of(["Žatec"], [true]), InputColumn.Of([""], [false]), InputColumn.Of([0.0], [false]),
        InputColumn.Of([""], [false]), InputColumn.Of([1_793_577_661L], [true]), InputColumn.Of([true], [true]),
    ]);

    [Theory]
    [InlineData("1 + 2 * 3 - 4", Kind.Int64, "3")]
    [InlineData("(1 + 2) * 3", Kind.Int64, "9")]
    [InlineData("10 - 4 - 3", Kind.Int64, "3")]
    [InlineData("-2 * 3", Kind.Int64, "-6")]
    [InlineData("7 / 2", Kind.Double, "3.5")]
    [InlineData("-7 % 4", Kind.Int64, "-3")]
    [InlineData("1 / 0", Kind.Double, null)]
    [InlineData("9223372036854775807 + 1", Kind.Int64, null)]
    [InlineData("-9223372036854775808", Kind.Int64, "-9223372036854775808")]
    [InlineData("exp(1000)", Kind.Double, null)]
    [InlineData("is_finite(exp(1000))", Kind.Bool, "False")]
    [InlineData("3000000000", Kind.Int32, null)]
    [InlineData("1e300", Kind.Float, null)]
    [InlineData("0.1", Kind.Float, "0.10000000149011612")]
    [InlineData("amount", Kind.Double, null)]
    [InlineData("coalesce(amount, total)", Kind.Double, "12.5")]
    [InlineData("amount is null and total is not null", Kind.Bool, "True")]
    [InlineData("amount > 1 or true", Kind.Bool, "True")]
    [InlineData("amount > 1 and true", Kind.Bool, null)]
    [InlineData("not age = 40 or 1 = 1 and 2 < 1", Kind.Bool, "False")]
    [InlineData("if(amount > 1, 'high', 'low')", Kind.String, "low")]
    [InlineData("CASE WHEN age < 18 THEN 'child' WHEN age < 65 THEN 'adult' END", Kind.String, "adult")]
    [InlineData("age in (1, 40)", Kind.Bool, "True")]
    [InlineData("age not in (1, 2)", Kind.Bool, "True")]
    [InlineData("age in (1, null)", Kind.Bool, null)]
    [InlineData("least(amount, total, age)", Kind.Double, "12.5")]
    [InlineData("round(2.5) + round(-2.5)", Kind.Double, "0")]
    [InlineData("round(total * 1.111, 2)", Kind.Double, "13.89")]
    [InlineData("int(-1.9)", Kind.Int64, "-1")]
    [InlineData("length(people__city) * 10 + length('😀')", Kind.Int64, "51")]
    [InlineData("upper(substr(people__city, 2, 3)) || '''x'", Kind.String, "ATE'x")]
    [InlineData("year(at) * 100 + month(at)", Kind.Int64, "202611")]
    [InlineData("weekday(at)", Kind.Int64, "1")]
    [InlineData("seconds_between(timestamp('2026-11-01'), at)", Kind.Int64, "86461")]
    [InlineData("\"end\"", Kind.Bool, "True")]
    [InlineData("null", Kind.Double, null)]
    public void Compile_Expression_HasTheDocumentedValue(string text, Kind type, string? expected)
    {
        var tree = ExpressionText.Compile(text, type, Inputs);
        Assert.Equal(expected, tree.Type switch
        {
            ExpressionType.Double => Shown(ExpressionCompiler.Doubles(tree)),
            ExpressionType.String => Shown(ExpressionCompiler.Texts(tree)),
            ExpressionType.Bool => Shown(ExpressionCompiler.Truths(tree)),
            _ => Shown(ExpressionCompiler.Integers(tree)),
        });
    }

    [Theory]
    [InlineData("", Kind.Int64, 1, "a value is missing before the end")]
    [InlineData("age +", Kind.Int64, 6, "a value is missing before the end")]
    [InlineData("age age", Kind.Int64, 5, "'age' comes after the end")]
    [InlineData("(age", Kind.Int64, 5, "')' is missing before the end")]
    [InlineData("ages + 1", Kind.Int64, 1, "there is no input 'ages'; there are: age, amount")]
    [InlineData("1 + city", Kind.Int64, 5, "'city' is in view 'people' and in view 'week'; write people__city or week__city")]
    [InlineData("places", Kind.String, 1, "Array(String), which expressions do not take")]
    [InlineData("age", Kind.StringList, 1, "no expression makes Array(String)")]
    [InlineData("age + people__city", Kind.Int64, 7, "'+' takes numbers, and this is String")]
    [InlineData("total", Kind.Int64, 1, "makes Float64, and the feature is declared Int64; change its dtype, or write int(…)")]
    [InlineData("age % total", Kind.Int64, 7, "write int(…)")]
    [InlineData("age = null", Kind.Bool, 5, "write 'is null'")]
    [InlineData("age = 'x'", Kind.Bool, 5, "'=' has values of the types Int64 and String")]
    [InlineData("true < false", Kind.Bool, 6, "Bool has no order")]
    [InlineData("if(age, 1, 2)", Kind.Int64, 4, "'if' takes Bool, and this is Int64")]
    [InlineData("if(true, 1)", Kind.Int64, 1, "'if' takes 3 values, and has 2")]
    [InlineData("mean(age)", Kind.Int64, 1, "there is no function 'mean'; there are: abs, ceil, coalesce")]
    [InlineData("coalesce(null)", Kind.Int64, 1, "nulls alone")]
    [InlineData("substr('a', 0)", Kind.String, 13, "begins at 1")]
    [InlineData("round(total, age)", Kind.Double, 14, "must be a constant")]
    [InlineData("timestamp('today')", Kind.UnixTimestamp, 11, "such as timestamp('2026-11-02T00:00:00Z')")]
    [InlineData("'open", Kind.String, 1, "is not closed")]
    [InlineData("age & 1", Kind.Int64, 5, "'&' has no meaning")]
    [InlineData("12x", Kind.Int64, 1, "is no number")]
    [InlineData("1e999", Kind.Double, 1, "beyond what a Float64 holds")]
    [InlineData("9223372036854775808", Kind.Int64, 1, "beyond what an Int64 holds")]
    [InlineData("case age end", Kind.Int64, 6, "'when' is missing")]
    [InlineData("end", Kind.Bool, 1, "stands in double quotes")]
    public void Compile_Fault_NamesThePlaceAndTheWayOut(string text, Kind type, int column, string message)
    {
        var e = Assert.Throws<ExpressionException>(() => ExpressionText.Compile(text, type, Inputs));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.Equal(column, e.Column);
    }

    [Theory]
    [InlineData("(", "1", ")")]
    [InlineData("-", "age", "")]
    [InlineData("not ", "end", "")]
    [InlineData("abs(", "1", ")")]
    [InlineData("1 + ", "1", "")]
    [InlineData("case when ", "true", " then 1 end")]
    public void Compile_NestedBeyondTheBound_IsRefused(string before, string middle, string after)
    {
        var deep = string.Concat(Enumerable.Repeat(before, 200)) + middle + string.Concat(Enumerable.Repeat(after, 200));
        Assert.Throws<ExpressionException>(() => ExpressionText.Compile(deep, Kind.Int64, Inputs));
        Assert.Contains("4096", Assert.Throws<ExpressionException>(() => ExpressionText.Compile(new string(' ', 4_097), Kind.Int64, Inputs)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compile_RandomTexts_AreExpressionsOrFaults()
    {
        string[] words = ["age", "total", "city", "(", ")", ",", "+", "-", "*", "=", "<>", "and", "or", "not", "is", "null", "in", "case", "when", "then", "else", "end", "if", "abs", "1", "2.5", "'a'", "\"", "'", "😀", "\ud800", "\0", "round"];
        for (var seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            var text = string.Join(random.Next(5) == 0 ? "" : " ", Enumerable.Range(0, random.Next(1, 14)).Select(_ => words[random.Next(words.Length)]));
            try
            {
                ExpressionText.Compile(text, Kind.Int64, Inputs);
            }
            catch (ExpressionException e)
            {
                Assert.True(e.Column >= 1 && e.Column <= text.Length + 1, $"seed {seed}: column {e.Column} of {text}");
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}: {text}: {e}");
            }
        }
    }

    private static string? Shown<T>(Evaluator<T> evaluator) =>
        evaluator(Row, 0, out var value) ? Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) : null;
}
