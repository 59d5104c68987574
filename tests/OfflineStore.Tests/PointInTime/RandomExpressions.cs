using System.Globalization;
using FeatureStore.Registry.Expressions;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.OfflineStore.Tests.PointInTime;

/// <summary>Random well-typed expressions as a person could write them, over two inputs of each type, and rows of the values at which engines tend to differ.</summary>
internal sealed class RandomExpressions(int seed)
{
    public const int DepthMax = 5;

    public static readonly long?[] Longs =
        [null, 0, 1, -1, 2, 3, 7, -13, 97, 1000, int.MaxValue, int.MinValue, 1L << 53, (1L << 53) + 1, 253_402_300_799, 253_402_300_800, -62_135_596_801, long.MaxValue, long.MinValue];

    public static readonly double?[] Doubles =
    [
        null, 0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, 0.49999999999999994, 3.25, -7.75, 1e-300, double.Epsilon, 1e18, 9.3e18, -9.3e18, 1e308, double.MaxValue, 3.5e38,
        double.NaN, double.PositiveInfinity, double.NegativeInfinity, 4503599627370497.5, 710, -745.2,
    ];

    public static readonly string?[] Texts =
        [null, "", " ", "a", "A", "abc", "ABCdef", "  padded\t\n", "Žluťoučký kůň", "ß", "İi", "日本語", "😀", "a😀b", "\uE000", "\uFFFD", "x'y", "100", "\u00A0nbsp\u00A0", "e\u0301"];

    public static readonly bool?[] Truths = [null, true, false];

    public static readonly long?[] Times = [null, 0, 1, -1, 951_782_399, 951_782_400, 1_793_577_600, -62_135_596_800, 253_402_300_799, 253_402_300_800, long.MinValue, long.MaxValue, -11_644_473_600];

    public static readonly IReadOnlyList<ExpressionInput> Inputs =
    [
        Input("i", Kind.Int64), Input("j", Kind.Int64), Input("d", Kind.Double), Input("e", Kind.Double), Input("s", Kind.String), Input("r", Kind.String),
        Input("b", Kind.Bool), Input("c", Kind.Bool), Input("t", Kind.UnixTimestamp), Input("u", Kind.UnixTimestamp),
    ];

    private readonly Random _random = new(seed);

    /// <summary>A declared type, and an expression that makes it.</summary>
    public (Kind Type, string Text) Next()
    {
        Kind[] kinds = [Kind.Int64, Kind.Int32, Kind.Double, Kind.Float, Kind.String, Kind.Bool, Kind.UnixTimestamp];
        var kind = kinds[_random.Next(kinds.Length)];
        return (kind, Make(ExpressionText.TypeOf(kind)!.Value, DepthMax));
    }

    private static ExpressionInput Input(string name, Kind kind) => new(null, new FieldModel(name, kind));

    private string Make(ExpressionType type, int depth)
    {
        if (depth == 0 || _random.Next(8) == 0)
        {
            return Leaf(type);
        }

        var below = depth - 1;
        string Whole() => Make(ExpressionType.Int64, below);
        string Real() => Make(ExpressionType.Double, below);
        string Text() => Make(ExpressionType.String, below);
        string Truth() => Make(ExpressionType.Bool, below);
        string Time() => Make(ExpressionType.Timestamp, below);
        string Same() => Make(type, below);
        if (_random.Next(4) == 0)
        {
            return One(
                () => $"if({Truth()}, {Same()}, {Same()})",
                () => $"case when {Truth()} then {Same()} when {Truth()} then {Same()} end",
                () => $"coalesce({Same()}, {Same()})",
                () => type == ExpressionType.Bool ? $"not {Same()}" : $"least({Same()}, {Same()}, {Same()})",
                () => type == ExpressionType.Bool ? Leaf(type) : $"greatest({Same()}, {Same()})");
        }

        return type switch
        {
            ExpressionType.Int64 => One(
                () => $"({Whole()} {Pick("+", "-", "*", "%")} {Whole()})", () => $"-({Whole()})", () => $"abs({Whole()})", () => $"length({Text()})", () => $"int({Real()})",
                () => $"int({Truth()})", () => $"{Pick("year", "month", "day", "hour", "minute", "second", "weekday", "unix_seconds")}({Time()})", () => $"seconds_between({Time()}, {Time()})"),
            ExpressionType.Double => One(
                () => $"({Real()} {Pick("+", "-", "*", "/")} {Real()})", () => $"({Whole()} / {Whole()})", () => $"({Whole()} {Pick("+", "-", "*")} {Real()})", () => $"-({Real()})",
                () => $"{Pick("abs", "round", "floor", "ceil", "ln", "exp", "sqrt")}({Real()})", () => $"round({Real()}, {_random.Next(4)})", () => $"pow({Real()}, {Real()})", () => $"double({Whole()})"),
            ExpressionType.String => One(
                () => $"{Pick("lower", "upper", "trim")}({Text()})", () => $"concat({Text()}, {Text()}, {Text()})", () => $"({Text()} || {Text()})", () => $"substr({Text()}, {Whole()} + 0)",
                () => $"substr({Text()}, {_random.Next(1, 4)}, {Whole()} + 0)", () => $"substr({Text()}, {_random.Next(1, 3)}, {_random.Next(3)})", () => $"string({Whole()})", () => $"string({Truth()})"),
            ExpressionType.Bool => Condition(Whole, Real, Text, Truth, Time),
            _ => One(() => $"from_unix({Whole()})", () => Leaf(type)),
        };
    }

    private string Condition(Func<string> whole, Func<string> real, Func<string> text, Func<string> truth, Func<string> time)
    {
        var sign = Pick("=", "<>", "<", "<=", ">", ">=");
        return One(
            () => $"({whole()} {sign} {whole()})", () => $"({real()} {sign} {real()})", () => $"({whole()} {sign} {real()})", () => $"({text()} {sign} {text()})", () => $"({time()} {sign} {time()})",
            () => $"({truth()} {Pick("and", "or", "=", "<>")} {truth()})", () => $"(not {truth()})", () => $"({real()} is {Pick("", "not ")}null)", () => $"({text()} is null)", () => $"({truth()} is null)",
            () => $"({whole()} {Pick("", "not ")}in ({whole()}, {whole()}))", () => $"({real()} in ({real()}, {whole()}))", () => $"({text()} in ({text()}, {text()}))",
            () => $"{Pick("contains", "starts_with", "ends_with")}({text()}, {text()})", () => $"{Pick("is_nan", "is_finite")}({real()})");
    }

    private string Leaf(ExpressionType type)
    {
        var isInput = _random.Next(3) > 0;
        return type switch
        {
            ExpressionType.Int64 => isInput ? Pick("i", "j") : (Any(Longs) ?? 5).ToString(CultureInfo.InvariantCulture),
            ExpressionType.Double => isInput ? Pick("d", "e") : Number(Any(Doubles)),
            ExpressionType.String => isInput ? Pick("s", "r") : $"'{(Any(Texts) ?? "q").Replace("'", "''", StringComparison.Ordinal)}'",
            ExpressionType.Bool => isInput ? Pick("b", "c") : Pick("true", "false"),
            _ => isInput ? Pick("t", "u") : Pick("timestamp('2026-11-02T00:00:00Z')", "timestamp('1999-12-31')"),
        };
    }

    private static string Number(double? number)
    {
        var text = number is { } finite && double.IsFinite(finite) ? finite.ToString("R", CultureInfo.InvariantCulture) : "2.5";
        return text.AsSpan().IndexOfAny('.', 'E') < 0 ? text + ".0" : text;
    }

    private T Any<T>(T[] values) => values[_random.Next(values.Length)];

    private string Pick(params string[] words) => Any(words);

    private string One(params Func<string>[] forms) => Any(forms)();
}
