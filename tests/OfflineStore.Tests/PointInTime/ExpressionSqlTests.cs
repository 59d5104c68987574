using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.PointInTime;
using FeatureStore.Registry.Expressions;
using FeatureStore.Registry.Expressions.Evaluation;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.OfflineStore.Tests.PointInTime;

/// <summary>Holds an expression's SQL against its delegate: what is exported is what is served, bit for bit.</summary>
public sealed class ExpressionSqlTests : IDisposable
{
    private const int Cases = 3_000;
    private const int CasesPerQuery = 75;
    private const int Rows = 120;
    private const string Table = "random_input";

    private static readonly string[] Columns = ["i", "j", "d", "e", "s", "r", "b", "c", "t", "u"];

    private readonly DuckDbDatabase _database = LakeDatabase.Open();
    private readonly DuckDbConnection _connection;

    public ExpressionSqlTests() => _connection = LakeDatabase.Connect(_database, CancellationToken.None);

    private static IReadOnlyList<string> Inputs =>
        [.. Columns.Select(c => c is "d" or "e" ? $"CASE WHEN isnan({c}) THEN NULL ELSE {c} END" : c is "t" or "u" ? ExpressionSql.InYears(c) : c)];

    [Fact]
    public void Compile_RandomExpressionsOverRandomRows_GivesWhatTheDelegateGives()
    {
        var there = 0;
        for (var first = 0; first < Cases; first += CasesPerQuery)
        {
            var inputs = Fill(first);
            var cases = Enumerable.Range(first, CasesPerQuery).Select(seed => (Seed: seed, Case: new RandomExpressions(seed).Next())).ToList();
            var trees = cases.ConvertAll(c => Compiled(c.Seed, c.Case.Type, c.Case.Text));
            there += Compare(trees, inputs, i => $"seed {cases[i].Seed}, {cases[i].Case.Type}: {cases[i].Case.Text}");
        }

        // Nulls alone would prove nothing.
        Assert.InRange(there, Cases * Rows / 4, Cases * Rows);
    }

    [Theory]
    [InlineData("round(d)", Kind.Double)]
    [InlineData("round(d, 2)", Kind.Double)]
    [InlineData("int(d)", Kind.Int64)]
    [InlineData("d", Kind.Float)]
    [InlineData("i", Kind.Int32)]
    [InlineData("i % j", Kind.Int64)]
    [InlineData("i * j", Kind.Int64)]
    [InlineData("d / e", Kind.Double)]
    [InlineData("exp(d) / exp(e)", Kind.Double)]
    [InlineData("pow(d, e)", Kind.Double)]
    [InlineData("least(d, e, -0.0)", Kind.Double)]
    [InlineData("ln(d) + sqrt(e)", Kind.Double)]
    [InlineData("d - d = e - e", Kind.Bool)]
    [InlineData("s < r", Kind.Bool)]
    [InlineData("substr(s, i, j)", Kind.String)]
    [InlineData("lower(s) || upper(r)", Kind.String)]
    [InlineData("trim(s)", Kind.String)]
    [InlineData("length(s)", Kind.Int64)]
    [InlineData("contains(s, r)", Kind.Bool)]
    [InlineData("ends_with(s, r)", Kind.Bool)]
    [InlineData("weekday(t) + 10 * year(t) + seconds_between(t, u)", Kind.Int64)]
    [InlineData("b and c or not b", Kind.Bool)]
    [InlineData("i * j <= 3", Kind.Bool)]
    [InlineData("i + 5 = 10 or i + 1 < 5 or j - 9 > 3", Kind.Bool)]
    [InlineData("int(d) >= 3", Kind.Bool)]
    [InlineData("i = 9007199254740992.0 or i < 2.5", Kind.Bool)]
    [InlineData("d + 0 = d and d * 1 = d and i * 0 = 0", Kind.Bool)]
    [InlineData("d + 0", Kind.Double)]
    [InlineData("d * 0", Kind.Double)]
    public void Compile_OneOperation_GivesWhatTheDelegateGives(string text, Kind type)
    {
        var inputs = Fill(1);
        Assert.InRange(Compare([Compiled(1, type, text)], inputs, _ => text), 1, Rows);
    }

    [Fact]
    public void Compile_DivisorsInDivisors_GrowsWithTheTreeAlone()
    {
        var text = string.Concat(Enumerable.Repeat("e / (", 30)) + "d" + new string(')', 30);
        var sql = new ExpressionSql(Inputs, "x");
        var value = sql.Add(Compiled(0, Kind.Double, text));
        Assert.InRange((sql.From(Table) + value).Length, 1, 20_000);
    }

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    private static Expression Compiled(int seed, Kind type, string text)
    {
        try
        {
            return ExpressionText.Compile(text, type, RandomExpressions.Inputs);
        }
        catch (ExpressionException e)
        {
            throw new InvalidOperationException($"seed {seed}: column {e.Column} of {text}: {e.Message}", e);
        }
    }

    /// <summary>Rows in the table and as a batch.</summary>
    private InputBatch Fill(int seed)
    {
        var random = new Random(seed);
        var longs = new[] { Take(random, RandomExpressions.Longs), Take(random, RandomExpressions.Longs) };
        var doubles = new[] { Take(random, RandomExpressions.Doubles), Take(random, RandomExpressions.Doubles) };
        var texts = new[] { Take(random, RandomExpressions.Texts), Take(random, RandomExpressions.Texts) };
        var truths = new[] { Take(random, RandomExpressions.Truths), Take(random, RandomExpressions.Truths) };
        var times = new[] { Take(random, RandomExpressions.Times), Take(random, RandomExpressions.Times) };
        _connection.Execute($"CREATE OR REPLACE TABLE {Table} (n BIGINT, i BIGINT, j BIGINT, d DOUBLE, e DOUBLE, s VARCHAR, r VARCHAR, b BOOLEAN, c BOOLEAN, t BIGINT, u BIGINT)");
        using var appender = _connection.Append(Table);
        for (var row = 0; row < Rows; row++)
        {
            appender.AppendInt64(row);
            Append(longs, appender.AppendInt64);
            Append(doubles, appender.AppendDouble);
            foreach (var text in texts)
            {
                AppendText(appender, text[row]);
            }

            Append(truths, appender.AppendBoolean);
            Append(times, appender.AppendInt64);
            appender.EndRow();

            void Append<T>(T?[][] columns, Action<T> append)
                where T : struct
            {
                foreach (var column in columns)
                {
                    if (column[row] is { } value)
                    {
                        append(value);
                    }
                    else
                    {
                        appender.AppendNull();
                    }
                }
            }
        }

        appender.Close();
        return new InputBatch([.. longs.Select(Column), .. doubles.Select(Column), .. texts.Select(c => InputColumn.Of(c, Array.ConvertAll(c, v => v is not null))), .. truths.Select(Column), .. times.Select(Column)]);
    }

    private static void AppendText(DuckDbAppender appender, string? value)
    {
        if (value is null)
        {
            appender.AppendNull();
        }
        else
        {
            appender.AppendText(value);
        }
    }

    private static T[] Take<T>(Random random, T[] values) => [.. Enumerable.Range(0, Rows).Select(_ => values[random.Next(values.Length)])];

    private static InputColumn Column<T>(T?[] values)
        where T : struct => InputColumn.Of(Array.ConvertAll(values, v => v ?? default), Array.ConvertAll(values, v => v is not null));

    /// <returns>How many values are not null.</returns>
    private int Compare(List<Expression> trees, InputBatch inputs, Func<int, string> name)
    {
        var sql = new ExpressionSql(Inputs, "x");
        var values = trees.ConvertAll(sql.Add);
        var there = 0;
        using var reader = _connection.Query($"SELECT n, {string.Join(", ", values.Select((v, i) => $"{v} AS v{i}"))} FROM {sql.From(Table)} ORDER BY n");
        var evaluators = trees.ConvertAll(Shown);
        while (reader.NextChunk())
        {
            for (var row = 0; row < reader.RowCount; row++)
            {
                for (var v = 0; v < trees.Count; v++)
                {
                    var exported = Shown(trees[v], reader, v + 1, row);
                    var served = evaluators[v](inputs, (int)reader.Int64(0, row));
                    Assert.True(served == exported, $"Row {reader.Int64(0, row)}: served {served ?? "null"}, exported {exported ?? "null"}; {name(v)}");
                    there += served is null ? 0 : 1;
                }
            }
        }

        return there;
    }

    private static string? Shown(Expression tree, DuckDbReader reader, int column, int row) => reader.IsNull(column, row)
        ? null
        : tree.Type switch
        {
            ExpressionType.Double => $"{BitConverter.DoubleToInt64Bits(reader.Double(column, row)):x16}",
            ExpressionType.String => reader.Text(column, row),
            ExpressionType.Bool => $"{reader.Boolean(column, row)}",
            _ => $"{reader.Int64(column, row)}",
        };

    private static Func<InputBatch, int, string?> Shown(Expression tree) => tree.Type switch
    {
        ExpressionType.Double => Shown(ExpressionCompiler.Doubles(tree), v => $"{BitConverter.DoubleToInt64Bits(v):x16}"),
        ExpressionType.String => Shown(ExpressionCompiler.Texts(tree), v => v),
        ExpressionType.Bool => Shown(ExpressionCompiler.Truths(tree), v => $"{v}"),
        _ => Shown(ExpressionCompiler.Integers(tree), v => $"{v}"),
    };

    private static Func<InputBatch, int, string?> Shown<T>(Evaluator<T> evaluator, Func<T, string> show) =>
        (inputs, row) => evaluator(inputs, row, out var value) ? show(value) : null;
}
