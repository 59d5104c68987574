using System.Runtime.InteropServices;

namespace FeatureStore.DuckDb;

/// <summary>One connection; used by one thread at a time.</summary>
public sealed class DuckDbConnection : IDisposable
{
    private nint _connection;

    internal DuckDbConnection(nint connection) => _connection = connection;

    /// <summary>Runs one or more statements.</summary>
    /// <returns>Rows changed by the last of them.</returns>
    public long Execute(string sql, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_connection == 0, this);
        cancellationToken.ThrowIfCancellationRequested();
        NativeResult result;
        int state;
        using (InterruptOn(cancellationToken))
        {
            state = NativeDuckDb.Query(_connection, sql, out result);
        }

        try
        {
            ThrowIfFailed(state, ref result, sql, cancellationToken);
            return (long)NativeDuckDb.RowsChanged(ref result);
        }
        finally
        {
            NativeDuckDb.DestroyResult(ref result);
        }
    }

    /// <summary>Prepares one statement; parameters are <c>$1</c>, <c>$2</c> …</summary>
    public DuckDbStatement Prepare(string sql)
    {
        ObjectDisposedException.ThrowIf(_connection == 0, this);
        if (NativeDuckDb.Prepare(_connection, sql, out var statement) == NativeDuckDb.Success)
        {
            return new DuckDbStatement(this, statement, sql);
        }

        var message = Marshal.PtrToStringUTF8(NativeDuckDb.PrepareError(statement)) ?? "DuckDB could not prepare the statement.";
        NativeDuckDb.DestroyPrepare(ref statement);
        throw new DuckDbException(message, sql);
    }

    /// <summary>Runs one statement and streams its rows.</summary>
    public DuckDbReader Query(string sql, CancellationToken cancellationToken = default)
    {
        var statement = Prepare(sql);
        try
        {
            return statement.Query(ownsStatement: true, cancellationToken);
        }
        catch
        {
            statement.Dispose();
            throw;
        }
    }

    /// <summary>A bulk writer into an existing table.</summary>
    public DuckDbAppender Append(string table)
    {
        ObjectDisposedException.ThrowIf(_connection == 0, this);
        return new DuckDbAppender(_connection, table);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_connection != 0)
        {
            NativeDuckDb.Disconnect(ref _connection);
        }
    }

    internal CancellationTokenRegistration InterruptOn(CancellationToken cancellationToken) =>
        cancellationToken.Register(() => NativeDuckDb.Interrupt(_connection));

    internal static void ThrowIfFailed(int state, ref NativeResult result, string sql, CancellationToken cancellationToken)
    {
        if (state == NativeDuckDb.Success)
        {
            return;
        }

        // An interrupted query fails like any other; the token tells that it was asked for.
        cancellationToken.ThrowIfCancellationRequested();
        throw new DuckDbException(Marshal.PtrToStringUTF8(NativeDuckDb.ResultError(ref result)) ?? "DuckDB failed without a message.", sql);
    }
}
