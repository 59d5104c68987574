namespace FeatureStore.DuckDb.Tests;

public sealed class DuckDbAppenderTests : IDisposable
{
    private readonly DuckDbDatabase _database = DuckDbDatabase.Open(null, new DuckDbOptions(MemoryLimitMiB: 256, Threads: 2));
    private readonly DuckDbConnection _connection;

    public DuckDbAppenderTests() => _connection = _database.Connect();

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    [Fact]
    public void Appender_AllTypes_RoundTripThroughParquet()
    {
        var file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".parquet");
        _connection.Execute("create table t (a bigint, b integer, c double, d boolean, e timestamptz, f date, g varchar, h varchar, i blob)");
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
                appender.AppendBytes([0, 1]);
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
            Assert.Equal([0, 1], reader.Blob(8, 1).ToArray());
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Appender_UnknownTable_NamesItAndLeavesTheConnectionUsable()
    {
        var error = Assert.Throws<DuckDbException>(() => _connection.Append("absent"));
        Assert.Contains("absent", error.Message, StringComparison.Ordinal);
        _connection.Execute("begin transaction; commit");
    }

    // DuckDB's appender hands over its rows after some 200,000 by itself, so more than that must go back too.
    [Theory]
    [InlineData(1)]
    [InlineData(3000)]
    [InlineData(500_000)]
    public void Dispose_WithoutClose_LeavesTheTableAsItWas(int rows)
    {
        _connection.Execute("create table t (a bigint); insert into t values (-1)");
        using (var appender = _connection.Append("t"))
        {
            for (var i = 0; i < rows; i++)
            {
                appender.AppendInt64(i);
                appender.EndRow();
            }

            appender.AppendInt64(rows); // A row that nothing ended.
        }

        Assert.Equal(1, Count());
        using (var appender = _connection.Append("t"))
        {
            appender.AppendInt64(7);
            appender.EndRow();
            appender.Close();
            appender.Close();
        }

        Assert.Equal(2, Count());
    }

    [Fact]
    public void Close_RowTheTableRefuses_ThrowsAndLeavesTheTableAsItWas()
    {
        _connection.Execute("create table t (a bigint primary key)");
        using (var appender = _connection.Append("t"))
        {
            foreach (var value in new long[] { 1, 2, 2 })
            {
                appender.AppendInt64(value);
                appender.EndRow();
            }

            Assert.Contains("2", Assert.Throws<DuckDbException>(appender.Close).Message, StringComparison.Ordinal);
        }

        Assert.Equal(0, Count());
    }

    [Fact]
    public void EndRow_TooFewValues_IsRefused()
    {
        _connection.Execute("create table t (a bigint, b bigint)");
        using var appender = _connection.Append("t");
        appender.AppendInt64(1);
        Assert.StartsWith("t: ", Assert.Throws<DuckDbException>(appender.EndRow).Message, StringComparison.Ordinal);
    }

    private long Count()
    {
        using var reader = _connection.Query("select count(*) from t");
        Assert.True(reader.NextChunk());
        return reader.Int64(0, 0);
    }
}
