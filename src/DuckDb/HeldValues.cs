namespace FeatureStore.DuckDb;

/// <summary>The rows that functions of <see cref="DuckDbLookups"/> read by position, to be filled with others.</summary>
public sealed class HeldValues
{
    private readonly DuckDbConnection _connection;
    private readonly HeldRows _rows;
    private readonly string _put;

    /// <param name="put">The function that puts a row in its place.</param>
    internal HeldValues(DuckDbConnection connection, HeldRows rows, string put) => (_connection, _rows, _put) = (connection, rows, put);

    /// <summary>Puts the rows of a query in place of those that are held. No other query may ask the functions meanwhile.</summary>
    /// <param name="sql">A query of a BIGINT, the position, and columns of the types that were offered. Its rows come in any order, and on all threads.</param>
    /// <param name="rows">One more than the greatest position.</param>
    /// <exception cref="DuckDbException">A position is not in [0, rows), or a column is of a type that does not become the one offered.</exception>
    public void Fill(string sql, int rows, CancellationToken cancellationToken)
    {
        _rows.Clear(rows);
        var columns = string.Join(", ", Enumerable.Range(0, _rows.Columns.Count + 1).Select(c => $"c{c}"));
        using var reader = _connection.Query($"SELECT count({_put}({columns})) FROM ({sql}) given({columns})", cancellationToken);
        while (reader.NextChunk())
        {
        }

        if (_rows.Outside is { } position)
        {
            throw new DuckDbException($"Position {position} lies outside of {rows} rows to hold.", sql);
        }
    }
}
