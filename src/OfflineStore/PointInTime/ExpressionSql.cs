using System.Globalization;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Expressions;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>
/// Compiles expressions to DuckDB's SQL with the values of their delegates, bit for bit: no operation can fail, and each guards its own domain. What
/// an operation names more than once becomes a column of a subquery, so that the text grows with the tree and not with its powers.
/// </summary>
/// <param name="inputs">SQL of each input as the language has it: BIGINT (also seconds of a timestamp), DOUBLE without NaN, VARCHAR or BOOLEAN.</param>
/// <param name="prefix">Begins the names of the columns that are made.</param>
internal sealed class ExpressionSql(IReadOnlyList<string> inputs, string prefix)
{
    private const long SubstrMax = 1_000_000_000;
    private const string AsciiUpper = "'ABCDEFGHIJKLMNOPQRSTUVWXYZ'";
    private const string AsciiLower = "'abcdefghijklmnopqrstuvwxyz'";

    private readonly List<List<string>> _levels = [];
    private int _columns;

    /// <summary>The value of an expression as a column of <see cref="From"/>.</summary>
    public string Add(Expression expression) => Compile(expression).Sql;

    /// <summary>A FROM term over a relation that has the inputs, with the columns that values need.</summary>
    public string From(string relation) =>
        _levels.Aggregate(relation, (from, columns) => $"(SELECT *, {string.Join(", ", columns)} FROM {from})");

    /// <summary>Int64 or timestamp to its range: the years 1 to 9999.</summary>
    public static string InYears(string seconds) =>
        $"CASE WHEN {seconds} BETWEEN {LakeSql.Number(TimeRange.Least)} AND {LakeSql.Number(TimeRange.Greatest)} THEN {seconds} END";

    private Part Compile(Expression expression) => expression switch
    {
        InputExpression input => new Part(inputs[input.Index], 0),
        LiteralExpression literal => new Part(Literal(literal), 0),
        _ => Compile((CallExpression)expression),
    };

    private Part Compile(CallExpression call)
    {
        Part[] parts = [.. call.Arguments.Select(Compile)];
        foreach (var index in NamedTwice(call))
        {
            parts[index] = call.Arguments[index] is CallExpression ? Column(parts[index]) : parts[index];
        }

        return new Part($"({Text(call, Array.ConvertAll(parts, p => p.Sql))})", parts.Max(p => p.Level));
    }

    /// <summary>Makes a column of a value, one level above what it is made from.</summary>
    private Part Column(Part part)
    {
        while (_levels.Count <= part.Level)
        {
            _levels.Add([]);
        }

        var name = LakeSql.Name($"{prefix}{_columns++}");
        _levels[part.Level].Add($"{part.Sql} AS {name}");
        return new Part(name, part.Level + 1);
    }

    private static IEnumerable<int> NamedTwice(CallExpression call) => call.Operation switch
    {
        Operation.Divide or Operation.Remainder => [1],
        Operation.Ln or Operation.Sqrt or Operation.Finite or Operation.ToInt32 or Operation.FromUnix => [0],
        Operation.Substr => Enumerable.Range(1, call.Arguments.Count - 1),
        Operation.Concat => Enumerable.Range(0, call.Arguments.Count),
        _ => [],
    };

    private static string Text(CallExpression call, string[] a) => call.Operation switch
    {
        Operation.Add or Operation.Subtract or Operation.Multiply when call.Type == ExpressionType.Int64 => Try($"{a[0]} {Sign(call.Operation)} {a[1]}"),
        Operation.Negate when call.Type == ExpressionType.Int64 => Try($"-{a[0]}"),
        Operation.Abs when call.Type == ExpressionType.Int64 => Try($"abs({a[0]})"),
        Operation.Remainder => $"CASE WHEN {a[1]} = -1 AND {a[0]} IS NOT NULL THEN 0 WHEN {a[1]} <> 0 THEN {a[0]} % CASE WHEN {a[1]} = -1 THEN 1 ELSE {a[1]} END END",
        Operation.Divide => $"{a[0]} / CASE WHEN {a[1]} <> 0 THEN {a[1]} END",
        Operation.Add or Operation.Subtract or Operation.Multiply => $"{a[0]} {Sign(call.Operation)} {a[1]}",
        Operation.Negate => $"-{a[0]}",
        Operation.And or Operation.Or or Operation.Equal or Operation.NotEqual or Operation.Less or Operation.LessOrEqual or Operation.Greater or Operation.GreaterOrEqual
            => $"{a[0]} {Sign(call.Operation)} {a[1]}",
        Operation.Not => $"NOT {a[0]}",
        Operation.IsNull => $"{a[0]} IS NULL",
        Operation.In => $"{a[0]} IN ({string.Join(", ", a.Skip(1))})",
        Operation.Case => $"CASE {string.Concat(Enumerable.Range(0, a.Length / 2).Select(i => $"WHEN {a[i * 2]} THEN {a[(i * 2) + 1]} "))}ELSE {a[^1]} END",
        Operation.ToDouble => $"CAST({a[0]} AS DOUBLE)",
        Operation.ToInt64 when call.Arguments[0].Type == ExpressionType.Bool => $"CAST({a[0]} AS BIGINT)",
        Operation.ToInt64 => Try($"CAST(trunc({a[0]}) AS BIGINT)"),
        Operation.ToText => $"CAST({a[0]} AS VARCHAR)",
        Operation.Ln => $"ln(CASE WHEN {a[0]} > 0 THEN {a[0]} END)",
        Operation.Sqrt => $"sqrt(CASE WHEN {a[0]} >= 0 THEN {a[0]} END)",
        Operation.Finite => $"CASE WHEN isfinite({a[0]}) THEN {a[0]} END",
        Operation.ToFloat32 => $"CAST({Try($"CAST({a[0]} AS FLOAT)")} AS DOUBLE)",
        Operation.ToInt32 => $"CASE WHEN {a[0]} BETWEEN {int.MinValue} AND {int.MaxValue} THEN {a[0]} END",
        Operation.FromUnix => InYears(a[0]),
        Operation.UnixSeconds => a[0],
        Operation.SecondsBetween => $"{a[1]} - {a[0]}",
        Operation.Lower => $"translate({a[0]}, {AsciiUpper}, {AsciiLower})",
        Operation.Upper => $"translate({a[0]}, {AsciiLower}, {AsciiUpper})",
        Operation.Trim => $"trim({a[0]}, {string.Join(" || ", TextLimits.Blanks.Select(c => $"chr({(int)c})"))})",
        Operation.Concat => $"CASE WHEN {string.Join(" + ", a.Select(t => $"strlen({t})"))} <= {TextLimits.BytesMax} THEN {string.Join(" || ", a)} END",
        Operation.Substr => Substr(a),
        Operation.Year or Operation.Month or Operation.Day or Operation.Hour or Operation.Minute or Operation.Second or Operation.Weekday
            => $"{Function(call.Operation)}(make_timestamp({a[0]} * 1000000))",
        _ => $"{Function(call.Operation)}({string.Join(", ", a)})",
    };

    private static string Substr(string[] a)
    {
        var start = $"least({a[1]}, {SubstrMax})";
        return a.Length == 2
            ? $"CASE WHEN {a[1]} >= 1 THEN substring({a[0]}, {start}) END"
            : $"CASE WHEN {a[1]} >= 1 AND {a[2]} >= 0 THEN substring({a[0]}, {start}, least({a[2]}, {SubstrMax})) END";
    }

    // Not TRY_CAST, which the optimizer drops where its value is compared with a constant, so that what does not fit is compared instead of null.
    private static string Try(string sql) => $"TRY({sql})";

    private static string Sign(Operation operation) => operation switch
    {
        Operation.Add => "+",
        Operation.Subtract => "-",
        Operation.Multiply => "*",
        Operation.And => "AND",
        Operation.Or => "OR",
        Operation.Equal => "=",
        Operation.NotEqual => "<>",
        Operation.Less => "<",
        Operation.LessOrEqual => "<=",
        Operation.Greater => ">",
        _ => ">=",
    };

    private static string Function(Operation operation) => operation switch
    {
        Operation.Coalesce => "coalesce",
        Operation.Least => "least",
        Operation.Greatest => "greatest",
        Operation.Abs => "abs",
        Operation.Round => "round",
        Operation.Floor => "floor",
        Operation.Ceil => "ceil",
        Operation.Exp => "exp",
        Operation.Pow => "pow",
        Operation.IsNan => "isnan",
        Operation.IsFinite => "isfinite",
        Operation.Length => "length",
        Operation.Contains => "contains",
        Operation.StartsWith => "starts_with",
        Operation.EndsWith => "suffix",
        Operation.Year => "year",
        Operation.Month => "month",
        Operation.Day => "day",
        Operation.Hour => "hour",
        Operation.Minute => "minute",
        Operation.Second => "second",
        Operation.Weekday => "isodow",
        _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, "The operation has no SQL."),
    };

    private static string Literal(LiteralExpression literal) => literal.Value switch
    {
        long whole => LakeSql.Number(whole),
        double real => $"CAST('{real.ToString("R", CultureInfo.InvariantCulture)}' AS DOUBLE)",
        string text => LakeSql.Text(text),
        bool isTrue => isTrue ? "true" : "false",
        _ => $"CAST(NULL AS {Type(literal.Type)})",
    };

    private static string Type(ExpressionType type) => type switch
    {
        ExpressionType.Double => "DOUBLE",
        ExpressionType.String => "VARCHAR",
        ExpressionType.Bool => "BOOLEAN",
        _ => "BIGINT",
    };

    /// <param name="Level">How many subqueries must lie below for its columns to be there.</param>
    private readonly record struct Part(string Sql, int Level);
}
