using System.Runtime.CompilerServices;

namespace FeatureStore.DuckDb;

/// <summary>The columns that functions of <see cref="DuckDbLookups"/> read by position, to be filled with other rows.</summary>
public sealed class HeldValues
{
    private readonly DuckDbConnection _connection;
    private readonly HeldRows _rows;

    internal HeldValues(DuckDbConnection connection, HeldRows rows) => (_connection, _rows) = (connection, rows);

    /// <summary>Puts the rows of a query in place of those that are held. No other query may ask the functions meanwhile.</summary>
    /// <param name="sql">A query of a BIGINT, the position, and columns of the types that were offered.</param>
    /// <param name="rows">One more than the greatest position.</param>
    /// <exception cref="DuckDbException">A position is not in [0, rows), or a column is of another type.</exception>
    public void Fill(string sql, int rows, CancellationToken cancellationToken)
    {
        using var reader = _connection.Query(sql, cancellationToken);
        foreach (var (c, column) in _rows.Columns.Index())
        {
            if (reader.Type(c + 1) != column.Type)
            {
                throw new DuckDbException($"Column {c + 1} is {reader.Type(c + 1)}, and {column.Type} is held.", sql);
            }
        }

        _rows.Clear(rows);
        Copy(reader, sql);
    }

    internal void Copy(DuckDbReader reader, string sql)
    {
        var positions = Array.Empty<int>();
        while (reader.NextChunk())
        {
            if (positions.Length < reader.RowCount)
            {
                positions = new int[reader.RowCount];
            }

            var taken = positions.AsSpan(0, reader.RowCount);
            Narrow(reader.Int64s(0), taken, _rows.Count, sql);
            _rows.Copy(reader, 1, taken);
        }
    }

    // Runs over millions of rows within the first second of a process, as the loops of HeldColumn do.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow(ReadOnlySpan<long> given, Span<int> positions, int rows, string sql)
    {
        for (var row = 0; row < given.Length; row++)
        {
            positions[row] = (ulong)given[row] < (ulong)rows ? (int)given[row] : throw new DuckDbException($"Position {given[row]} lies outside of {rows} rows to hold.", sql);
        }
    }
}
