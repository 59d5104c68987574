using System.Globalization;

namespace FeatureStore.DuckDb.Tests;

public sealed class DuckDbTests : IDisposable
{
    private readonly DuckDbDatabase _database = DuckDbDatabase.Open(null, new DuckDbOptions(MemoryLimitMiB: 256, Threads: 2));
    private readonly DuckDbConnection _connection;

    public DuckDbTests() => _connection = _database.Connect();

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    [Fact]
    public void Query_EveryType_ReadsValuesAndNulls()
    {
        using var reader = _connection.Query(
            """
            select * from (select 9007199254740993::bigint as n, 7::integer, 1.5::double, true, date '2024-02-29',
                   timestamp '2026-11-02 00:00:00.000001', timestamptz '2026-11-02 00:00:00+00', 'short', 'a text longer than twelve bytes, é'
            union all select null, null, null, null, null, null, null, null, null) order by n nulls last
            """);
        Assert.True(reader.NextChunk());
        Assert.Equal(2, reader.RowCount);
        Assert.Equal(9, reader.ColumnCount);
        Assert.Equal(9007199254740993, reader.Int64(0, 0));
        Assert.Equal(7, reader.Int32(1, 0));
        Assert.Equal(1.5, reader.Double(2, 0));
        Assert.True(reader.Boolean(3, 0));
        Assert.Equal(new DateOnly(2024, 2, 29), reader.Date(4, 0));
        Assert.Equal(1793577600000001, reader.TimestampMicros(5, 0));
        Assert.Equal(1793577600000000, reader.TimestampMicros(6, 0));
        Assert.Equal("short", reader.Text(7, 0));
        Assert.Equal("a text longer than twelve bytes, é", reader.Text(8, 0));
        Assert.All(Enumerable.Range(0, 9), c => Assert.True(reader.IsNull(c, 1) && !reader.IsNull(c, 0)));
        Assert.False(reader.NextChunk());
    }

    [Fact]
    public void Query_ManyChunks_ReadsEveryRowOnce()
    {
        using var reader = _connection.Query("select range, case when range % 3 = 0 then null else range::varchar end from range(100000)");
        long expected = 0;
        while (reader.NextChunk())
        {
            for (var row = 0; row < reader.RowCount; row++, expected++)
            {
                Assert.Equal(expected, reader.Int64(0, row));
                Assert.Equal(expected % 3 == 0, reader.IsNull(1, row));
                Assert.True(expected % 3 == 0 || reader.Text(1, row) == expected.ToString(CultureInfo.InvariantCulture));
            }
        }

        Assert.Equal(100_000, expected);
    }

    [Fact]
    public void Query_WrongType_NamesTheColumnAndBothTypes()
    {
        using var reader = _connection.Query("select 1::hugeint as total");
        Assert.True(reader.NextChunk());
        var error = Assert.Throws<DuckDbException>(() => reader.Int64(0, 0));
        Assert.Contains("'total' is HugeInt, not BigInt", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NullCell_IsRefusedByName()
    {
        using var reader = _connection.Query("select null::bigint as n, null::varchar as v");
        Assert.True(reader.NextChunk());
        Assert.Contains("'n' is null", Assert.Throws<DuckDbException>(() => reader.Int64(0, 0)).Message, StringComparison.Ordinal);
        Assert.Contains("'v' is null", Assert.Throws<DuckDbException>(() => reader.Text(1, 0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Query_BadSql_CarriesDuckDbsMessageAndTheSql()
    {
        var error = Assert.Throws<DuckDbException>(() => _connection.Query("select nothing_here"));
        Assert.Contains("nothing_here", error.Message, StringComparison.Ordinal);
        Assert.Equal("select nothing_here", error.Sql);
    }

    [Theory]
    [InlineData("select 1; selekt 2", "selekt")]
    [InlineData("select 1; select absent_column", "absent_column")]
    [InlineData("create table failing as select 'x'::integer", "'x'")]
    [InlineData("insert into absent_table values (1)", "absent_table")]
    public void Execute_BadSql_CarriesDuckDbsMessageAndTheSql(string sql, string named)
    {
        var error = Assert.Throws<DuckDbException>(() => _connection.Execute(sql));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Equal(sql, error.Sql);
    }

    [Fact]
    public void Execute_NoStatement_ChangesNothing() => Assert.Equal(0, _connection.Execute(string.Empty));

    [Fact]
    public void Execute_NulInTheSql_IsRefused()
    {
        Assert.Contains("NUL", Assert.Throws<DuckDbException>(() => _connection.Execute("select 1 \0; garbage")).Message, StringComparison.Ordinal);
        Assert.Contains("NUL", Assert.Throws<DuckDbException>(() => _connection.Prepare("select '\0'")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Execute_StatementsThatNeedEachOther_RunInOrder()
    {
        Assert.Equal(3, _connection.Execute("create table s (n integer); insert into s values (1); insert into s values (2), (3), (4)"));
        Assert.Equal(0, _connection.Execute("  "));
    }

    [Fact]
    public void Query_WideNumbersAndBytes_ReadExactly()
    {
        using var reader = _connection.Query(
            """
            select (-170141183460469231731687303715884105727)::hugeint, 1.25::float, 'a\x00b'::blob, ''::blob, repeat('x', 20)::blob,
                   -12.3::decimal(4,1), 12345.678::decimal(9,3), -1.5::decimal(18,2), 79228162514264337593543950335::decimal(38,0),
                   99999999999999999999999999999999999999::decimal(38,0), sum(n) from (values (9223372036854775807), (1)) v(n)
            """);
        Assert.True(reader.NextChunk());
        Assert.Equal(-Int128.MaxValue, reader.HugeInt(0, 0));
        Assert.Equal(1.25f, reader.Float(1, 0));
        Assert.Equal("a\0b"u8, reader.Blob(2, 0));
        Assert.True(reader.Blob(3, 0).IsEmpty);
        Assert.Equal(20, reader.Blob(4, 0).Length);
        Assert.Equal([-12.3m, 12345.678m, -1.50m, decimal.MaxValue], Enumerable.Range(5, 4).Select(c => reader.Decimal(c, 0)));
        Assert.Contains("cast it", Assert.Throws<OverflowException>(() => reader.Decimal(9, 0)).Message, StringComparison.Ordinal);
        Assert.Equal((Int128)long.MaxValue + 1, reader.HugeInt(10, 0));
    }

    [Fact]
    public void Query_FailureWhileStreaming_IsThrown()
    {
        Assert.Throws<DuckDbException>(() =>
        {
            using var reader = _connection.Query("select (case when range = 9000000 then 'x' else '1' end)::bigint from range(10000000)");
            while (reader.NextChunk())
            {
            }
        });
    }

    [Fact]
    public void Statement_BoundTwice_GivesBothAnswers()
    {
        using var statement = _connection.Prepare("select $1::bigint + 1, $2::varchar, $3::double, $4::timestamp");
        foreach (var n in new long[] { 1, 41 })
        {
            statement.Bind(1, n);
            statement.Bind(2, "é'");
            statement.Bind(3, -0.5);
            statement.BindTimestamp(4, 5);
            using var reader = statement.Query();
            Assert.True(reader.NextChunk());
            Assert.Equal((n + 1, "é'", -0.5, 5), (reader.Int64(0, 0), reader.Text(1, 0), reader.Double(2, 0), reader.TimestampMicros(3, 0)));
        }
    }

    [Fact]
    public void Bind_EveryType_GivesTheValueBack()
    {
        using var statement = _connection.Prepare("select $1::varchar, length($1::varchar), $2::boolean, $3::blob, $4::date, $5::bigint");
        foreach (var text in new[] { "a\0b\0", "", "\0", "é" })
        {
            statement.Bind(1, text);
            statement.Bind(2, text.Length > 1);
            statement.Bind(3, [0, 255, 0]);
            statement.Bind(4, new DateOnly(1969, 12, 31));
            statement.BindNull(5);
            using var reader = statement.Query();
            Assert.True(reader.NextChunk());
            Assert.Equal((text, text.Length, text.Length > 1), (reader.Text(0, 0), reader.Int64(1, 0), reader.Boolean(2, 0)));
            Assert.Equal([0, 255, 0], reader.Blob(3, 0).ToArray());
            Assert.Equal(new DateOnly(1969, 12, 31), reader.Date(4, 0));
            Assert.True(reader.IsNull(5, 0));
        }

        Assert.Contains("$9", Assert.Throws<DuckDbException>(() => statement.Bind(9, "x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FileThatIsNoDatabase_NamesIt()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, new string('x', 8192));
        try
        {
            var error = Assert.Throws<DuckDbException>(() => DuckDbDatabase.Open(file, new DuckDbOptions()));
            Assert.Contains(file, error.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Use_AfterDispose_Throws()
    {
        var reader = _connection.Query("select 1");
        reader.Dispose();
        Assert.Throws<ObjectDisposedException>(() => reader.NextChunk());
        var connection = _database.Connect();
        connection.Dispose();
        Assert.Throws<ObjectDisposedException>(() => connection.Execute("select 1"));
    }
}
