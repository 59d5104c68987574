namespace FeatureStore.DuckDb;

/// <summary>A prepared statement; parameters are bound by their 1-based index and kept between runs.</summary>
public sealed class DuckDbStatement : IDisposable
{
    private readonly DuckDbConnection _connection;
    private readonly string _sql;
    private nint _statement;

    internal DuckDbStatement(DuckDbConnection connection, nint statement, string sql)
    {
        _connection = connection;
        _statement = statement;
        _sql = sql;
    }

    public void Bind(int index, long value) => Check(NativeDuckDb.BindInt64(_statement, (ulong)index, value), index);

    public void Bind(int index, double value) => Check(NativeDuckDb.BindDouble(_statement, (ulong)index, value), index);

    public void Bind(int index, string value) => Check(NativeDuckDb.BindText(_statement, (ulong)index, value), index);

    /// <summary>Binds a TIMESTAMP in microseconds since the epoch.</summary>
    public void BindTimestamp(int index, long micros) => Check(NativeDuckDb.BindTimestamp(_statement, (ulong)index, micros), index);

    public void BindNull(int index) => Check(NativeDuckDb.BindNull(_statement, (ulong)index), index);

    /// <summary>Runs the statement and throws its rows away.</summary>
    /// <returns>Rows changed.</returns>
    public long Execute(CancellationToken cancellationToken = default)
    {
        var result = Run(streaming: false, cancellationToken);
        var changed = (long)NativeDuckDb.RowsChanged(ref result);
        NativeDuckDb.DestroyResult(ref result);
        return changed;
    }

    /// <summary>Runs the statement and streams its rows; one reader of a connection is open at a time.</summary>
    public DuckDbReader Query(CancellationToken cancellationToken = default) => Query(ownsStatement: false, cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_statement != 0)
        {
            NativeDuckDb.DestroyPrepare(ref _statement);
        }
    }

    internal DuckDbReader Query(bool ownsStatement, CancellationToken cancellationToken) =>
        new(_connection, Run(streaming: true, cancellationToken), _sql, ownsStatement ? this : null, cancellationToken);

    /// <summary>A result that the caller destroys.</summary>
    private NativeResult Run(bool streaming, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_statement == 0, this);
        cancellationToken.ThrowIfCancellationRequested();
        NativeResult result;
        int state;
        using (_connection.InterruptOn(cancellationToken))
        {
            state = streaming
                ? NativeDuckDb.ExecutePreparedStreaming(_statement, out result)
                : NativeDuckDb.ExecutePrepared(_statement, out result);
        }

        try
        {
            DuckDbConnection.ThrowIfFailed(state, ref result, _sql, cancellationToken);
        }
        catch
        {
            NativeDuckDb.DestroyResult(ref result);
            throw;
        }

        return result;
    }

    private void Check(int state, int index)
    {
        if (state != NativeDuckDb.Success)
        {
            throw new DuckDbException($"The statement has no parameter ${index} of that type.", _sql);
        }
    }
}
