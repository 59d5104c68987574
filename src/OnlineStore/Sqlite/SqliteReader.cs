using System.Numerics;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace FeatureStore.OnlineStore.Sqlite;

/// <summary>
/// One connection for reading, with its statements prepared once and values taken from SQLite's own memory. A statement
/// takes 1, 2, 4 … 1,024 keys; the last key fills up the places that are left, since a key that is listed twice is found
/// once. Not safe for concurrent use.
/// </summary>
internal sealed class SqliteReader : IDisposable
{
    // SQLite takes 32,766 parameters in a statement; a power of two below keeps statements few.
    private const int KeysPerQueryMax = 1_024;
    private const int BusyMillis = 30_000;

    private const int KeyColumn = 0;
    private const int NameColumn = 1;
    private const int ValueColumn = 2;
    private const int TimeColumn = 3;

    private readonly SqliteConnection _connection;
    private readonly sqlite3 _db;
    private readonly Dictionary<(string Project, string View, int Keys), sqlite3_stmt> _statements = [];
    private readonly sqlite3_stmt _begin;
    private readonly sqlite3_stmt _end;

    public SqliteReader(string connectionString)
    {
        // Kept by us alone: the library's pool would hand it on with whatever transaction a failed read left open.
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder(connectionString) { Pooling = false }.ToString());
        _connection.Open();
        _db = _connection.Handle!;
        raw.sqlite3_busy_timeout(_db, BusyMillis);
        _begin = Prepare("BEGIN");
        _end = Prepare("COMMIT");
    }

    /// <summary>The rows of all tables as of one moment, whatever a writer does meanwhile: <c>result[table][key]</c>.</summary>
    /// <exception cref="OnlineStoreException">What is stored is no time or no value.</exception>
    /// <exception cref="SqliteException">The database cannot be read. After any exception this reader is only disposed of.</exception>
    public OnlineRead[][] Read(IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> keys, CancellationToken cancellationToken)
    {
        Run(_begin);
        var result = new OnlineRead[tables.Count][];
        for (var t = 0; t < result.Length; t++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            result[t] = Read(tables[t], keys, cancellationToken);
        }

        Run(_end);
        return result;
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values.Append(_begin).Append(_end))
        {
            statement.Dispose();
        }

        _connection.Dispose();
    }

    private OnlineRead[] Read(OnlineTable table, IReadOnlyList<byte[]> keys, CancellationToken cancellationToken)
    {
        var rows = new SqliteRows(table, keys);
        for (var from = 0; from < keys.Count; from += KeysPerQueryMax)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Query(table, keys, from, Math.Min(KeysPerQueryMax, keys.Count - from), rows);
        }

        return rows.ToReads();
    }

    private void Query(OnlineTable table, IReadOnlyList<byte[]> keys, int from, int count, SqliteRows rows)
    {
        var places = (int)BitOperations.RoundUpToPowerOf2((uint)count);
        var statement = Statement(table, places);
        try
        {
            for (var i = 0; i < places; i++)
            {
                Check(raw.sqlite3_bind_blob(statement, i + 1, keys[from + Math.Min(i, count - 1)]));
            }

            int code;
            while ((code = raw.sqlite3_step(statement)) == raw.SQLITE_ROW)
            {
                Take(table, statement, rows);
            }

            Check(code);
        }
        finally
        {
            raw.sqlite3_reset(statement);
        }
    }

    // Every feature of a row carries the row's time; a feature that was dropped from the view may keep an older one.
    private static void Take(OnlineTable table, sqlite3_stmt statement, SqliteRows rows)
    {
        if (raw.sqlite3_column_type(statement, NameColumn) != raw.SQLITE_TEXT)
        {
            throw StoredBytes.Wrong(table, "a feature name that is no text", null);
        }

        var time = StoredBytes.SecondsToMicros(
            table, raw.sqlite3_column_type(statement, TimeColumn) == raw.SQLITE_INTEGER ? raw.sqlite3_column_int64(statement, TimeColumn) : null);
        rows.Begin(raw.sqlite3_column_blob(statement, KeyColumn), time);
        var feature = rows.Find(raw.sqlite3_column_blob(statement, NameColumn));
        if (feature < 0)
        {
            return;
        }

        switch (raw.sqlite3_column_type(statement, ValueColumn))
        {
            case raw.SQLITE_BLOB:
                rows.Put(feature, raw.sqlite3_column_blob(statement, ValueColumn));
                break;
            case raw.SQLITE_NULL:
                rows.Put(feature, []);
                break;
            default:
                throw StoredBytes.Wrong(table, $"a value of the feature '{table.Features[feature]}' that is no BLOB", null);
        }
    }

    private sqlite3_stmt Statement(OnlineTable table, int places)
    {
        var key = (table.Project, table.View, places);
        if (!_statements.TryGetValue(key, out var statement))
        {
            var list = string.Join(',', Enumerable.Repeat('?', places));
            statement = Prepare($"SELECT entity_key, feature_name, value, event_ts FROM {SqliteSql.Table(table)} WHERE entity_key IN ({list})");
            _statements.Add(key, statement);
        }

        return statement;
    }

    private sqlite3_stmt Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v2(_db, sql, out var statement));
        return statement;
    }

    private void Run(sqlite3_stmt statement)
    {
        var code = raw.sqlite3_step(statement);
        raw.sqlite3_reset(statement);
        Check(code);
    }

    private void Check(int code)
    {
        if (code is not (raw.SQLITE_OK or raw.SQLITE_DONE))
        {
            SqliteException.ThrowExceptionForRC(code, _db);
        }
    }
}
