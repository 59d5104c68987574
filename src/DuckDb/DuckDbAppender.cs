using System.Runtime.InteropServices;
using System.Text;

namespace FeatureStore.DuckDb;

/// <summary>
/// Writes rows into a table, a value per column in order, then <see cref="EndRow"/>. All rows become visible with
/// <see cref="Close"/>; an appender that is disposed without it leaves the table as it was.
/// </summary>
public sealed class DuckDbAppender : IDisposable
{
    private static readonly DateOnly Epoch = new(1970, 1, 1);
    private readonly DuckDbConnection _connection;
    private readonly string _table;
    private byte[] _text = [];
    private nint _appender;
    private bool _closed;

    internal DuckDbAppender(DuckDbConnection connection, string table)
    {
        _connection = connection;
        _table = table;

        // DuckDB's appender hands rows to the table whenever its buffer is full, so only a transaction can take them back.
        connection.Execute("BEGIN TRANSACTION");
        if (NativeDuckDb.AppenderCreate(connection.Handle, null, table, out _appender) != NativeDuckDb.Success)
        {
            var message = Message();
            Dispose();
            throw new DuckDbException(message);
        }
    }

    public void AppendInt64(long value) => Check(NativeDuckDb.AppendInt64(_appender, value));

    public void AppendInt32(int value) => Check(NativeDuckDb.AppendInt32(_appender, value));

    public void AppendDouble(double value) => Check(NativeDuckDb.AppendDouble(_appender, value));

    public void AppendBoolean(bool value) => Check(NativeDuckDb.AppendBoolean(_appender, value));

    /// <summary>A TIMESTAMP or TIMESTAMPTZ, in microseconds since the epoch.</summary>
    public void AppendTimestamp(long micros) => Check(NativeDuckDb.AppendTimestamp(_appender, micros));

    public void AppendDate(DateOnly value) => Check(NativeDuckDb.AppendDate(_appender, value.DayNumber - Epoch.DayNumber));

    public void AppendText(string value)
    {
        var most = Encoding.UTF8.GetMaxByteCount(value.Length);
        if (_text.Length < most)
        {
            _text = new byte[most];
        }

        var length = Encoding.UTF8.GetBytes(value, _text);
        Check(NativeDuckDb.AppendText(_appender, _text.AsSpan(0, length), (ulong)length));
    }

    public void AppendBytes(ReadOnlySpan<byte> value) => Check(NativeDuckDb.AppendBlob(_appender, value, (ulong)value.Length));

    public void AppendNull() => Check(NativeDuckDb.AppendNull(_appender));

    public void EndRow() => Check(NativeDuckDb.AppenderEndRow(_appender));

    /// <summary>Makes the rows durable in the table; throws if the table refused any, and then holds none of them.</summary>
    public void Close()
    {
        ObjectDisposedException.ThrowIf(_appender == 0, this);
        if (_closed)
        {
            return;
        }

        Check(NativeDuckDb.AppenderClose(_appender));
        _connection.Execute("COMMIT");
        _closed = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_appender == 0)
        {
            return;
        }

        if (_closed)
        {
            _ = NativeDuckDb.AppenderDestroy(ref _appender);
            return;
        }

        // Destroying an appender flushes it, so its buffer goes first.
        _ = NativeDuckDb.AppenderClear(_appender);
        _ = NativeDuckDb.AppenderDestroy(ref _appender);
        _connection.Execute("ROLLBACK");
    }

    private void Check(int state)
    {
        if (state != NativeDuckDb.Success)
        {
            throw new DuckDbException($"{_table}: {Message()}");
        }
    }

    private string Message() => Marshal.PtrToStringUTF8(NativeDuckDb.AppenderError(_appender)) ?? "the row was refused.";
}
