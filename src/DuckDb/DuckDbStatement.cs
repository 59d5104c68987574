using System.Runtime.InteropServices;
using System.Text;

namespace FeatureStore.DuckDb;

/// <summary>A prepared statement; parameters are bound by their 1-based index and kept between runs.</summary>
public sealed class DuckDbStatement : IDisposable
{
    private static readonly DateOnly Epoch = new(1970, 1, 1);
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

    public void Bind(int index, bool value) => Check(NativeDuckDb.BindBoolean(_statement, (ulong)index, value), index);

    public void Bind(int index, DateOnly value) =>
        Check(NativeDuckDb.BindDate(_statement, (ulong)index, value.DayNumber - Epoch.DayNumber), index);

    /// <summary>Binds a VARCHAR by its length, so a NUL within it is a character like any other.</summary>
    public void Bind(int index, string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        Check(NativeDuckDb.BindText(_statement, (ulong)index, bytes, (ulong)bytes.Length), index);
    }

    /// <summary>Binds a BLOB; the bytes are copied.</summary>
    public void Bind(int index, ReadOnlySpan<byte> value) =>
        Check(NativeDuckDb.BindBlob(_statement, (ulong)index, value, (ulong)value.Length), index);

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
        nint pending = 0;
        try
        {
            using (_connection.InterruptOn(cancellationToken))
            {
                var state = streaming
                    ? NativeDuckDb.PendingPreparedStreaming(_statement, out pending)
                    : NativeDuckDb.PendingPrepared(_statement, out pending);
                if (state != NativeDuckDb.Success)
                {
                    throw Failure(NativeDuckDb.PendingError(pending), cancellationToken);
                }

                // A query forgets interrupts when it begins, which it has done by now: one that came earlier is given again,
                // and one that comes later stays.
                if (cancellationToken.IsCancellationRequested)
                {
                    _connection.Interrupt();
                }

                state = NativeDuckDb.ExecutePending(pending, out var result);
                return state == NativeDuckDb.Success ? result : throw Failed(result, cancellationToken);
            }
        }
        finally
        {
            NativeDuckDb.DestroyPending(ref pending);
        }
    }

    private Exception Failed(NativeResult result, CancellationToken cancellationToken)
    {
        try
        {
            return Failure(NativeDuckDb.ResultError(ref result), cancellationToken);
        }
        finally
        {
            NativeDuckDb.DestroyResult(ref result);
        }
    }

    // An interrupted query fails like any other; the token tells that it was asked for.
    private Exception Failure(nint message, CancellationToken cancellationToken) => cancellationToken.IsCancellationRequested
        ? new OperationCanceledException(cancellationToken)
        : new DuckDbException(Marshal.PtrToStringUTF8(message) is { Length: > 0 } text ? text : "DuckDB failed without a message.", _sql);

    private void Check(int state, int index)
    {
        if (state != NativeDuckDb.Success)
        {
            throw new DuckDbException($"The statement has no parameter ${index} of that type.", _sql);
        }
    }
}
