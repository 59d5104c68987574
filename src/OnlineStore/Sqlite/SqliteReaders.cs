using System.Collections.Concurrent;

namespace FeatureStore.OnlineStore.Sqlite;

/// <summary>Connections for reading that wait for the next read, with what they have prepared. Safe for concurrent use.</summary>
internal sealed class SqliteReaders(string connectionString) : IDisposable
{
    // Reads run on the pool's threads, which are about as many as cores; a burst opens more and closes them again.
    private static readonly int IdleMax = Math.Max(4, Environment.ProcessorCount * 2);

    private readonly ConcurrentQueue<(SqliteReader Reader, int Age)> _idle = new();
    private volatile bool _disposed;

    // Grows when all readers become useless, those that are reading just then too.
    private volatile int _age;

    public OnlineRead[][] Read(IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> keys, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var age = _age;
        var reader = _idle.TryDequeue(out var waiting) && waiting.Age == age ? waiting.Reader : Replace(waiting.Reader);
        OnlineRead[][] result;
        try
        {
            result = reader.Read(tables, keys, cancellationToken);
        }
        catch
        {
            // Its transaction may stand open.
            reader.Dispose();
            throw;
        }

        if (_disposed || _age != age || _idle.Count >= IdleMax)
        {
            reader.Dispose();
        }
        else
        {
            _idle.Enqueue((reader, age));
        }

        return result;
    }

    /// <summary>Opens the file anew from the next read on: another file lies there now.</summary>
    public void Forget()
    {
        Interlocked.Increment(ref _age);
        Clear();
    }

    public void Dispose()
    {
        _disposed = true;
        Clear();
    }

    private SqliteReader Replace(SqliteReader? old)
    {
        old?.Dispose();
        return new SqliteReader(connectionString);
    }

    private void Clear()
    {
        while (_idle.TryDequeue(out var waiting))
        {
            waiting.Reader.Dispose();
        }
    }
}
