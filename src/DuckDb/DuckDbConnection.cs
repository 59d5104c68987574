using System.Runtime.InteropServices;

namespace FeatureStore.DuckDb;

/// <summary>One connection; used by one thread at a time.</summary>
public sealed class DuckDbConnection : IDisposable
{
    private nint _connection;

    internal DuckDbConnection(nint connection) => _connection = connection;

    internal nint Handle => _connection;

    /// <summary>Runs one or more statements, each prepared when those before it have run.</summary>
    /// <returns>Rows changed by the last of them.</returns>
    public long Execute(string sql, CancellationToken cancellationToken = default)
    {
        CheckUsable(sql);
        cancellationToken.ThrowIfCancellationRequested();
        var count = NativeDuckDb.ExtractStatements(_connection, sql, out var extracted);
        try
        {
            if (count == 0 && Marshal.PtrToStringUTF8(NativeDuckDb.ExtractError(extracted)) is { Length: > 0 } message)
            {
                throw new DuckDbException(message, sql);
            }

            long changed = 0;
            for (ulong i = 0; i < count; i++)
            {
                using var statement = Prepared(NativeDuckDb.PrepareExtracted(_connection, extracted, i, out var handle), handle, sql);
                changed = statement.Execute(cancellationToken);
            }

            return changed;
        }
        finally
        {
            NativeDuckDb.DestroyExtracted(ref extracted);
        }
    }

    /// <summary>Prepares one statement; parameters are <c>$1</c>, <c>$2</c> …</summary>
    public DuckDbStatement Prepare(string sql)
    {
        CheckUsable(sql);
        return Prepared(NativeDuckDb.Prepare(_connection, sql, out var handle), handle, sql);
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

    /// <summary>A bulk writer into an existing table; it holds a transaction of this connection until it is closed or disposed.</summary>
    /// <exception cref="DuckDbException">There is no such table, or the connection is within a transaction already.</exception>
    public DuckDbAppender Append(string table)
    {
        CheckUsable(table);
        return new DuckDbAppender(this, table);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_connection != 0)
        {
            NativeDuckDb.Disconnect(ref _connection);
        }
    }

    internal CancellationTokenRegistration InterruptOn(CancellationToken cancellationToken) => cancellationToken.Register(Interrupt);

    internal void Interrupt() => NativeDuckDb.Interrupt(_connection);

    private DuckDbStatement Prepared(int state, nint statement, string sql)
    {
        if (state == NativeDuckDb.Success)
        {
            return new DuckDbStatement(this, statement, sql);
        }

        var message = Marshal.PtrToStringUTF8(NativeDuckDb.PrepareError(statement)) ?? "DuckDB could not prepare the statement.";
        NativeDuckDb.DestroyPrepare(ref statement);
        throw new DuckDbException(message, sql);
    }

    // C text ends at its first NUL: what follows would be left out without a word.
    private void CheckUsable(string text)
    {
        ObjectDisposedException.ThrowIf(_connection == 0, this);
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw new DuckDbException("The statement holds a NUL character, at which DuckDB would stop reading; bind the value instead.", text);
        }
    }
}
