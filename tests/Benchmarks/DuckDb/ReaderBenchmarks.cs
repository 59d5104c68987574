using BenchmarkDotNet.Attributes;
using FeatureStore.DuckDb;

namespace FeatureStore.Benchmarks.DuckDb;

/// <summary>What a cell costs when a million rows are read or written.</summary>
[MemoryDiagnoser]
public class ReaderBenchmarks
{
    private const int Rows = 1_000_000;
    private DuckDbDatabase _database = null!;
    private DuckDbConnection _connection = null!;

    [GlobalSetup]
    public void Open()
    {
        _database = DuckDbDatabase.Open(null, new DuckDbOptions(1024, 2));
        _connection = _database.Connect();
        _connection.Execute($"create table t as select range as n, range / 3.0 as x, 'user ' || range as u from range({Rows})");
        _connection.Execute("create table target (n bigint, x double)");
    }

    [GlobalCleanup]
    public void Close()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    [Benchmark(OperationsPerInvoke = Rows)]
    public double ReadNumbers()
    {
        double sum = 0;
        using var reader = _connection.Query("select n, x from t");
        while (reader.NextChunk())
        {
            for (var row = 0; row < reader.RowCount; row++)
            {
                sum += reader.Int64(0, row) + reader.Double(1, row);
            }
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Rows)]
    public long ReadUtf8()
    {
        long bytes = 0;
        using var reader = _connection.Query("select u from t");
        while (reader.NextChunk())
        {
            for (var row = 0; row < reader.RowCount; row++)
            {
                bytes += reader.Utf8(0, row).Length;
            }
        }

        return bytes;
    }

    [Benchmark(OperationsPerInvoke = Rows)]
    public void Append()
    {
        _connection.Execute("truncate target");
        using var appender = _connection.Append("target");
        for (var i = 0; i < Rows; i++)
        {
            appender.AppendInt64(i);
            appender.AppendDouble(i);
            appender.EndRow();
        }

        appender.Close();
    }
}
