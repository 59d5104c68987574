namespace FeatureStore.DuckDb.Tests;

public sealed class DuckDbLimitTests : IDisposable
{
    private const string Endless = "select sum(sin(a.range * b.range)) from range(10000000) a, range(10000000) b";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private readonly string _folder = Directory.CreateTempSubdirectory("duckdb").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Open_WithLimits_TheDatabaseHasThem()
    {
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(100, 3, _folder));
        using var connection = database.Connect();
        using var reader = connection.Query("select current_setting('memory_limit'), current_setting('threads')::bigint, current_setting('temp_directory')");
        Assert.True(reader.NextChunk());
        Assert.Equal(("100.0 MiB", 3, _folder), (reader.Text(0, 0), reader.Int64(1, 0), reader.Text(2, 0)));
    }

    [Fact]
    public void Query_MoreThanTheMemoryLimit_FailsWithoutASpillFolderAndSpillsWithOne()
    {
        const string Sort = "create table t as select hash(range) as h, repeat('x', 40) || range as v from range(3000000) order by h";
        using (var database = DuckDbDatabase.Open(null, new DuckDbOptions(100, 2, string.Empty)))
        using (var connection = database.Connect())
        {
            var error = Assert.Throws<DuckDbException>(() => connection.Execute(Sort));
            Assert.Contains("Out of Memory", error.Message, StringComparison.Ordinal);
        }

        using (var database = DuckDbDatabase.Open(null, new DuckDbOptions(100, 2, _folder)))
        using (var connection = database.Connect())
        {
            connection.Execute(Sort);
            using var reader = connection.Query("select count(*) from t");
            Assert.True(reader.NextChunk() && reader.Int64(0, 0) == 3_000_000);
        }
    }

    [Theory]
    [InlineData(0, 1, "threads")]
    [InlineData(10, -1, "memory_limit")]
    public void Open_LimitThatMakesNoSense_NamesTheOption(int threads, int memory, string named)
    {
        var error = Assert.Throws<DuckDbException>(() => DuckDbDatabase.Open(null, new DuckDbOptions(memory, threads)));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Execute_CancelledWhileItRuns_StopsTheWork()
    {
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(256, 2));
        using var connection = database.Connect();
        using var cancel = new CancellationTokenSource();
        var file = Path.Combine(_folder, "growing.csv");
        var work = Task.Run(() => connection.Execute($"copy (select range from range(1000000000000)) to '{file}' (format csv, use_tmp_file false)", cancel.Token));

        // A file that grows says that the query runs.
        Assert.True(SpinWait.SpinUntil(() => work.IsCompleted || (File.Exists(file) && new FileInfo(file).Length > 0), Deadline));
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work.WaitAsync(Deadline));
        Assert.Equal(0, connection.Execute("select 1"));
    }

    [Fact]
    public async Task Execute_CancelledAtAnyMomentOfItsStart_NeverRunsOn()
    {
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(256, 2));
        using var connection = database.Connect();
        for (var i = 0; i < 300; i++)
        {
            using var cancel = new CancellationTokenSource();
            using var started = new ManualResetEventSlim();
            var work = Task.Run(() =>
            {
                started.Set();
                return i % 2 == 0 ? connection.Execute(Endless, cancel.Token) : Drain(connection, cancel.Token);
            });
            started.Wait();
            Thread.SpinWait(i * i);
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work.WaitAsync(Deadline));
        }

        Assert.Equal(0, connection.Execute("select 1"));
    }

    // What the statement's order of calls rests on; a moment between the two is too short to be hit by chance.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Interrupt_BeforeAndAfterTheQueryBegins_IsForgottenAndKept(bool before)
    {
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(256, 2));
        using var connection = database.Connect();
        connection.Execute("create table t as select range as n from range(1000000)");
        Assert.Equal(NativeDuckDb.Success, NativeDuckDb.Prepare(connection.Handle, "select sum(sin(n)) from t", out var statement));
        if (before)
        {
            connection.Interrupt();
        }

        Assert.Equal(NativeDuckDb.Success, NativeDuckDb.PendingPrepared(statement, out var pending));
        if (!before)
        {
            connection.Interrupt();
        }

        var state = NativeDuckDb.ExecutePending(pending, out var result);
        NativeDuckDb.DestroyResult(ref result);
        NativeDuckDb.DestroyPending(ref pending);
        NativeDuckDb.DestroyPrepare(ref statement);
        Assert.Equal(before, state == NativeDuckDb.Success);
    }

    [Fact]
    public void NextChunk_Cancelled_Throws()
    {
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(256, 2));
        using var connection = database.Connect();
        using var cancel = new CancellationTokenSource();
        using var reader = connection.Query("select range from range(1000000000000)", cancel.Token);
        Assert.True(reader.NextChunk());
        cancel.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => reader.NextChunk());
    }

    private static long Drain(DuckDbConnection connection, CancellationToken cancellationToken)
    {
        using var reader = connection.Query(Endless, cancellationToken);
        return reader.NextChunk() ? reader.RowCount : 0;
    }
}
