using System.Buffers.Binary;
using Feast.Serving;
using Feast.Types;
using FeatureStore.Serving.Retrieval;
using Kind = Feast.Types.ValueType.Types.Enum;
using StoredColumn = FeatureStore.Serving.Retrieval.FeatureColumn;

namespace FeatureStore.Scoring.Online;

/// <summary>Stored values of one feature as a column that a model takes. The type was decided when the model was bound.</summary>
internal abstract class ColumnReader
{
    /// <returns>Null for a type that no model takes.</returns>
    public static ColumnReader? Of(Kind type) => type switch
    {
        Kind.Double => new Reader<double>(v => v.DoubleVal, Value.ValOneofCase.DoubleVal),
        Kind.Float => new Reader<float>(v => v.FloatVal, Value.ValOneofCase.FloatVal),
        Kind.Int64 => new Reader<long>(v => v.Int64Val, Value.ValOneofCase.Int64Val),
        Kind.Int32 => new Reader<int>(v => v.Int32Val, Value.ValOneofCase.Int32Val),
        Kind.UnixTimestamp => new Reader<long>(v => v.UnixTimestampVal, Value.ValOneofCase.UnixTimestampVal),
        Kind.Bool => new Reader<bool>(v => v.BoolVal, Value.ValOneofCase.BoolVal),
        Kind.String => new Reader<string>(v => v.StringVal, Value.ValOneofCase.StringVal),
        _ => null,
    };

    /// <summary>A value that is null, not there or too old is absent: the model's policy says what becomes of it.</summary>
    public static bool IsAbsent(in StoredColumn column, int row) => column.Statuses[row] == FieldStatus.OutsideMaxAge || column.Value(row).Length == 0;

    /// <param name="rows">Rows of the answer that are scored.</param>
    /// <exception cref="RetrievalException">A stored value is of another type than its view declares.</exception>
    public abstract Scores.FeatureColumn Read(in StoredColumn column, string name, IReadOnlyList<int> rows);

    private sealed class Reader<T>(Func<Value, T> get, Value.ValOneofCase expected) : ColumnReader
    {
        // The tag of double_val, before its eight bytes.
        private const byte DoubleTag = (Value.DoubleValFieldNumber << 3) | 1;

        public override Scores.FeatureColumn Read(in StoredColumn column, string name, IReadOnlyList<int> rows)
        {
            var values = new T[rows.Count];
            bool[]? absent = null;
            for (var i = 0; i < values.Length; i++)
            {
                if (IsAbsent(in column, rows[i]))
                {
                    (absent ??= new bool[values.Length])[i] = true;
                }
                else
                {
                    values[i] = One(column.Value(rows[i]), name);
                }
            }

            return Scores.FeatureColumn.Of(name, values, absent);
        }

        private T One(ReadOnlySpan<byte> stored, string name)
        {
            if (typeof(T) == typeof(double) && stored.Length == 1 + sizeof(double) && stored[0] == DoubleTag)
            {
                return (T)(object)BinaryPrimitives.ReadDoubleLittleEndian(stored[1..]);
            }

            var value = Value.Parser.ParseFrom(stored);
            return value.ValCase == expected
                ? get(value)
                : throw new RetrievalException(RetrievalFault.Corrupt, $"A stored value of '{name}' is {value.ValCase}, and its view declares {expected}; materialize the view again.");
        }
    }
}
