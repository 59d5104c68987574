using System.Runtime.InteropServices;
using System.Text;

namespace FeatureStore.DuckDb;

/// <summary>Writes rows into a table, a value per column in order, then <see cref="EndRow"/>. Nothing is promised before <see cref="Close"/>.</summary>
public sealed class DuckDbAppender : IDisposable
{
    private static readonly DateOnly Epoch = new(1970, 1, 1);
    private readonly string _table;
    private nint _appender;

    internal DuckDbAppender(nint connection, string table)
    {
        _table = table;
        if (NativeDuckDb.AppenderCreate(connection, null, table, out _appender) != NativeDuckDb.Success)
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
        var bytes = Encoding.UTF8.GetBytes(value);
        Check(NativeDuckDb.AppendText(_appender, bytes, (ulong)bytes.Length));
    }

    public void AppendNull() => Check(NativeDuckDb.AppendNull(_appender));

    public void EndRow() => Check(NativeDuckDb.AppenderEndRow(_appender));

    /// <summary>Hands the last rows over; throws if the table refused any.</summary>
    public void Close() => Check(NativeDuckDb.AppenderClose(_appender));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_appender != 0)
        {
            _ = NativeDuckDb.AppenderDestroy(ref _appender);
        }
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
