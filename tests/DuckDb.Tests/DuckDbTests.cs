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
    public void Appender_AllTypes_RoundTripThroughParquet()
    {
        var file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".parquet");
        _connection.Execute("create table t (a bigint, b integer, c double, d boolean, e timestamptz, f date, g varchar, h varchar)");
        using (var appender = _connection.Append("t"))
        {
            for (var i = 0; i < 5000; i++)
            {
                appender.AppendInt64(i);
                appender.AppendInt32(-i);
                appender.AppendDouble(i / 2.0);
                appender.AppendBoolean(i % 2 == 0);
                appender.AppendTimestamp(i);
                appender.AppendDate(new DateOnly(1970, 1, 1).AddDays(i));
                appender.AppendText(i == 0 ? string.Empty : $"row {i}");
                appender.AppendNull();
                appender.EndRow();
            }

            appender.Close();
        }

        try
        {
            Assert.Equal(5000, _connection.Execute($"copy t to '{file}' (format parquet)"));
            using var reader = _connection.Query($"select * from read_parquet('{file}') where a in (0, 4999) order by a");
            Assert.True(reader.NextChunk());
            Assert.Equal((0, string.Empty), (reader.Int64(0, 0), reader.Text(6, 0)));
            Assert.Equal((-4999, 2499.5, false, 4999, "row 4999"), (reader.Int32(1, 1), reader.Double(2, 1), reader.Boolean(3, 1), reader.TimestampMicros(4, 1), reader.Text(6, 1)));
            Assert.Equal(new DateOnly(1970, 1, 1).AddDays(4999), reader.Date(5, 1));
            Assert.True(reader.IsNull(7, 1));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Appender_UnknownTable_NamesIt()
    {
        var error = Assert.Throws<DuckDbException>(() => _connection.Append("absent"));
        Assert.Contains("absent", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Execute_CancelledMidway_StopsTheWork()
    {
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        Assert.Throws<OperationCanceledException>(
            () => _connection.Execute("select sum(sin(a.range * b.range)) from range(10000000) a, range(10000000) b", cancel.Token));
        Assert.Equal(0, _connection.Execute("select 1"));
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
