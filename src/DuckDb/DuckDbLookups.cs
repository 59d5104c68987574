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
    // Each function that fills has a name of its own.
    private static int _puts;

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
    /// <returns>What the functions read, to be filled anew.</returns>
    /// <exception cref="DuckDbException">A position is not in [0, rows), or a column is of a type that cannot be held.</exception>
    public static HeldValues OfferValues(this DuckDbConnection connection, string sql, IReadOnlyList<string> names, int rows, CancellationToken cancellationToken)
    {
        var held = Rows(connection, sql, names, cancellationToken);
        return Offer(connection, names, held, () =>
        {
            var put = $"put{Interlocked.Increment(ref _puts)}";
            Register(connection, put, [DuckDbType.BigInt, .. held.Columns.Select(c => c.Type)], DuckDbType.BigInt, held, &Put);
            var values = new HeldValues(connection, held, put);
            values.Fill(sql, rows, cancellationToken);
            return values;
        });
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
        var held = Rows(reader, 2, names, rows, sql);
        var (groups, moments) = (new int[rows], new long[rows]);
        Offer(connection, names, held, () =>
        {
            var read = 0;
            while (reader.NextChunk())
            {
                if (read + reader.RowCount > rows)
                {
                    throw new DuckDbException($"There are more than {rows} rows to hold.", sql);
                }

                reader.Int32s(0).CopyTo(groups.AsSpan(read));
                reader.Int64s(1).CopyTo(moments.AsSpan(read));
                held.Copy(reader, 2, [.. Enumerable.Range(read, reader.RowCount)]);
                read += reader.RowCount;
            }

            return read == rows ? read : throw new DuckDbException($"There are {read} rows to hold, not {rows}.", sql);
        });
        OfferFind(connection, find, groups, moments);
    }

    /// <summary>As <see cref="OfferMoments(DuckDbConnection, string, string, IReadOnlyList{string}, int, CancellationToken)"/>, of rows at hand.</summary>
    /// <param name="groups">In ascending order, none negative; <paramref name="moments"/> ascend within each.</param>
    /// <param name="columns">A value for each row.</param>
    /// <exception cref="DuckDbException">The rows are out of order.</exception>
    public static void OfferMoments(
        this DuckDbConnection connection, string find, ReadOnlySpan<int> groups, ReadOnlySpan<long> moments, IReadOnlyList<(string Name, ReadOnlyMemory<long> Values)> columns)
    {
        var held = new HeldRows([.. columns.Select(_ => DuckDbType.BigInt)], groups.Length);
        int[] positions = [.. Enumerable.Range(0, groups.Length)];
        Offer(connection, [.. columns.Select(c => c.Name)], held, () =>
        {
            foreach (var (c, (_, values)) in columns.Index())
            {
                fixed (long* data = values.Span)
                {
                    held.Columns[c].Copy(positions, (byte*)data, null);
                }
            }

            return held;
        });
        OfferFind(connection, find, groups, moments);
    }

    private static void OfferFind(DuckDbConnection connection, string name, ReadOnlySpan<int> groups, ReadOnlySpan<long> moments) =>
        Register(connection, name, [DuckDbType.Integer, DuckDbType.BigInt], DuckDbType.BigInt, new HeldMoments(groups, moments), &Find);

    private static HeldRows Rows(DuckDbConnection connection, string sql, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        using var reader = connection.Query($"FROM ({sql}) LIMIT 0", cancellationToken);

        // A function that is registered before a query came to its end is gone with it.
        while (reader.NextChunk())
        {
        }

        return Rows(reader, 1, names, 0, sql);
    }

    private static HeldRows Rows(DuckDbReader reader, int from, IReadOnlyList<string> names, int rows, string sql) => new(
        [.. names.Select((name, i) => reader.Type(from + i) is var type && HeldColumn.Width(type) > 0
            ? type
            : throw new DuckDbException($"{name} is {type}, which cannot be held.", sql))],
        rows);

    // What a function owns it frees; the rest is freed here.
    private static T Offer<T>(DuckDbConnection connection, IReadOnlyList<string> names, HeldRows held, Func<T> fill)
    {
        var offered = 0;
        try
        {
            var filled = fill();
            foreach (var column in held.Columns)
            {
                Register(connection, names[offered++], [DuckDbType.BigInt], column.Type, column, &Pick);
            }

            return filled;
        }
        finally
        {
            foreach (var column in held.Columns.Skip(offered))
            {
                column.Dispose();
            }
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

    // What it gives is only counted.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Put(nint info, nint input, nint output) => ((HeldRows)GCHandle.FromIntPtr(NativeDuckDb.ScalarFunctionInfo(info)).Target!).Put(input);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Release(nint held)
    {
        var handle = GCHandle.FromIntPtr(held);
        (handle.Target as IDisposable)?.Dispose();
        handle.Free();
    }
}
