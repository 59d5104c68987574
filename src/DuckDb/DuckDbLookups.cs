using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FeatureStore.DuckDb;

/// <summary>
/// Rows of a query held in memory, and offered to SQL as functions: a value by its row's position, and the position of the last row of a group up
/// to a moment. Unlike a join, a function keeps the order of the rows that it is asked for. The memory is beside DuckDB's own limit, and is freed when
/// the database closes.
/// </summary>
public static unsafe class DuckDbLookups
{
    /// <summary>Bytes that a value of a type is held in; 0 if it cannot be held.</summary>
    /// <param name="type">As DuckDB's DESCRIBE names it.</param>
    public static int Width(string type) => HeldColumn.Width(type switch
    {
        "BOOLEAN" => DuckDbType.Boolean,
        "TINYINT" => DuckDbType.TinyInt,
        "SMALLINT" => DuckDbType.SmallInt,
        "INTEGER" => DuckDbType.Integer,
        "BIGINT" => DuckDbType.BigInt,
        "HUGEINT" => DuckDbType.HugeInt,
        "UBIGINT" => DuckDbType.UBigInt,
        "FLOAT" => DuckDbType.Float,
        "DOUBLE" => DuckDbType.Double,
        "DATE" => DuckDbType.Date,
        "TIMESTAMP" => DuckDbType.Timestamp,
        "TIMESTAMP WITH TIME ZONE" => DuckDbType.TimestampTz,
        _ => DuckDbType.Invalid,
    });

    /// <summary>Offers columns as functions from a position, a BIGINT, to the value there: null outside of [0, rows), and where no row has the position.</summary>
    /// <param name="sql">A query of a BIGINT, the position, and a column for each name.</param>
    /// <param name="rows">One more than the greatest position.</param>
    /// <exception cref="DuckDbException">A position is not in [0, rows), or a column is of a type that cannot be held.</exception>
    public static void OfferValues(this DuckDbConnection connection, string sql, IReadOnlyList<string> names, int rows, CancellationToken cancellationToken)
    {
        using var reader = connection.Query(sql, cancellationToken);
        var columns = Columns(reader, 1, names, rows, sql);
        try
        {
            while (reader.NextChunk())
            {
                var positions = new int[reader.RowCount];
                for (var row = 0; row < positions.Length; row++)
                {
                    var position = reader.Int64(0, row);
                    positions[row] = (ulong)position < (ulong)rows ? (int)position : throw new DuckDbException($"Position {position} lies outside of {rows} rows to hold.", sql);
                }

                Copy(reader, 1, columns, positions);
            }

            Offer(connection, names, columns);
        }
        finally
        {
            columns.ForEach(c => c.Dispose());
        }
    }

    /// <summary>
    /// Offers a function from a group, an INTEGER, and a moment, a BIGINT, to the position of the group's last row whose moment is not later, or null; and
    /// the further columns as functions of that position.
    /// </summary>
    /// <param name="sql">A query of the group, the moment and a column for each of <paramref name="names"/>, in the order of group and moment.</param>
    /// <param name="rows">How many the query has.</param>
    /// <exception cref="DuckDbException">The rows are out of order or another number, or a column is of a type that cannot be held.</exception>
    public static void OfferMoments(
        this DuckDbConnection connection, string sql, string find, IReadOnlyList<string> names, int rows, CancellationToken cancellationToken)
    {
        using var reader = connection.Query(sql, cancellationToken);
        var columns = Columns(reader, 0, ["group", "moment", .. names], rows, sql);
        try
        {
            var read = 0;
            while (reader.NextChunk())
            {
                if (read + reader.RowCount > rows)
                {
                    throw new DuckDbException($"There are more than {rows} rows to hold.", sql);
                }

                Copy(reader, 0, columns, [.. Enumerable.Range(read, reader.RowCount)]);
                read += reader.RowCount;
            }

            if (read < rows || columns[0].HasNulls || columns[1].HasNulls)
            {
                throw new DuckDbException(read < rows ? $"There are {read} rows to hold, not {rows}." : "A group or a moment to hold is null.", sql);
            }

            Register(connection, find, [DuckDbType.Integer, DuckDbType.BigInt], DuckDbType.BigInt, new HeldMoments(columns[0].Values<int>(), columns[1].Values<long>()), &Find);
            columns[0].Dispose();
            columns[1].Dispose();
            columns.RemoveRange(0, 2);
            Offer(connection, names, columns);
        }
        finally
        {
            columns.ForEach(c => c.Dispose());
        }
    }

    private static List<HeldColumn> Columns(DuckDbReader reader, int from, IReadOnlyList<string> names, int rows, string sql)
    {
        var types = names.Select((name, i) => reader.Type(from + i) is var type && HeldColumn.Width(type) > 0
            ? type
            : throw new DuckDbException($"{name} is {type}, which cannot be held.", sql)).ToList();
        return [.. types.Select(t => new HeldColumn(t, rows))];
    }

    private static void Copy(DuckDbReader reader, int from, List<HeldColumn> columns, int[] positions)
    {
        for (var c = 0; c < columns.Count; c++)
        {
            var (data, validity) = reader.Vector(from + c);
            columns[c].Copy(positions, (byte*)data, (ulong*)validity);
        }
    }

    // What a function owns is taken off the list, whose rest the caller frees.
    private static void Offer(DuckDbConnection connection, IReadOnlyList<string> names, List<HeldColumn> columns)
    {
        for (var i = columns.Count - 1; i >= 0; i--)
        {
            var column = columns[i];
            columns.RemoveAt(i);
            Register(connection, names[i], [DuckDbType.BigInt], column.Type, column, &Pick);
        }
    }

    // From here on the function owns what it reads, also if it is refused.
    private static void Register(
        DuckDbConnection connection, string name, DuckDbType[] parameters, DuckDbType result, object held, delegate* unmanaged[Cdecl]<nint, nint, nint, void> function)
    {
        var made = NativeDuckDb.CreateScalarFunction();
        try
        {
            NativeDuckDb.ScalarFunctionName(made, name);
            foreach (var parameter in parameters)
            {
                var type = NativeDuckDb.CreateLogicalType((int)parameter);
                NativeDuckDb.ScalarFunctionParameter(made, type);
                NativeDuckDb.DestroyLogicalType(ref type);
            }

            var returned = NativeDuckDb.CreateLogicalType((int)result);
            NativeDuckDb.ScalarFunctionReturns(made, returned);
            NativeDuckDb.DestroyLogicalType(ref returned);
            NativeDuckDb.ScalarFunctionTakesNulls(made);
            NativeDuckDb.ScalarFunctionExtraInfo(made, GCHandle.ToIntPtr(GCHandle.Alloc(held)), &Release);
            NativeDuckDb.ScalarFunctionCode(made, function);
            if (NativeDuckDb.RegisterScalarFunction(connection.Handle, made) != NativeDuckDb.Success)
            {
                throw new DuckDbException($"DuckDB took no function {name}.");
            }
        }
        finally
        {
            NativeDuckDb.DestroyScalarFunction(ref made);
        }
    }

    // None of these throws: no exception may pass through native code.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Pick(nint info, nint input, nint output)
    {
        var column = (HeldColumn)GCHandle.FromIntPtr(NativeDuckDb.ScalarFunctionInfo(info)).Target!;
        var positions = NativeDuckDb.ChunkVector(input, 0);
        column.Pick((int)NativeDuckDb.ChunkSize(input), (long*)NativeDuckDb.VectorData(positions), (ulong*)NativeDuckDb.VectorValidity(positions), output);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Find(nint info, nint input, nint output)
    {
        var moments = (HeldMoments)GCHandle.FromIntPtr(NativeDuckDb.ScalarFunctionInfo(info)).Target!;
        var (group, moment) = (NativeDuckDb.ChunkVector(input, 0), NativeDuckDb.ChunkVector(input, 1));
        moments.Find(
            (int)NativeDuckDb.ChunkSize(input), (int*)NativeDuckDb.VectorData(group), (ulong*)NativeDuckDb.VectorValidity(group),
            (long*)NativeDuckDb.VectorData(moment), (ulong*)NativeDuckDb.VectorValidity(moment), output);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Release(nint held)
    {
        var handle = GCHandle.FromIntPtr(held);
        (handle.Target as IDisposable)?.Dispose();
        handle.Free();
    }
}
