using System.Buffers.Binary;
using Feast.Serving;
using Feast.Types;
using FeatureStore.Registry.Expressions;
using FeatureStore.Registry.Expressions.Evaluation;

namespace FeatureStore.Serving.Retrieval;

/// <summary>Turns what was read, and what the request brought, into inputs of expressions. What is not PRESENT is null.</summary>
internal static class OnDemandInputs
{
    // The tag of double_val, before its eight bytes.
    private const byte DoubleTag = (Value.DoubleValFieldNumber << 3) | 1;

    private delegate Value? ValueOfRow(int row);

    /// <exception cref="RetrievalException">A value is of another type than its field declares.</exception>
    public static InputBatch Read(PlannedExpressions view, FeatureColumn[] reads, EntityBinding request)
    {
        var columns = new InputColumn[view.Inputs.Count];
        for (var i = 0; i < columns.Length; i++)
        {
            var planned = view.Inputs[i];
            columns[i] = planned.RequestName is { } name ? Requested(planned.Input, request.Values(name)!)
                : planned.Read >= 0 ? Stored(planned.Input, reads[planned.Read])
                : InputColumn.Of(Array.Empty<bool>(), []);
        }

        return new InputBatch(columns);
    }

    private static InputColumn Stored(ExpressionInput input, FeatureColumn column)
    {
        if (ExpressionText.TypeOf(input.Field.Type) == ExpressionType.Double)
        {
            return StoredDoubles(input, column);
        }

        return Column(input, column.Statuses.Length, row => IsThere(in column, row) ? Value.Parser.ParseFrom(column.Value(row)) : null, Corrupt);
    }

    // Most inputs are doubles, which need no message.
    private static InputColumn StoredDoubles(ExpressionInput input, FeatureColumn column)
    {
        var (values, there) = (new double[column.Statuses.Length], new bool[column.Statuses.Length]);
        for (var row = 0; row < values.Length; row++)
        {
            if (!IsThere(in column, row))
            {
                continue;
            }

            var stored = column.Value(row);
            (values[row], there[row]) = stored.Length == 1 + sizeof(double) && stored[0] == DoubleTag
                ? (BinaryPrimitives.ReadDoubleLittleEndian(stored[1..]), true)
                : (Real(Value.Parser.ParseFrom(stored)) ?? throw Corrupt(input, row), true);
        }

        return InputColumn.Of(values, there);
    }

    private static bool IsThere(in FeatureColumn column, int row) => column.Statuses[row] == FieldStatus.Present && column.Value(row).Length > 0;

    private static InputColumn Requested(ExpressionInput input, IReadOnlyList<Value> values) => Column(
        input,
        values.Count,
        row => values[row] is { ValCase: not (Value.ValOneofCase.None or Value.ValOneofCase.NullVal) } value ? value : null,
        static (field, row) => new RetrievalException(
            RetrievalFault.Invalid, $"The request's '{field.Field.Name}' is no {field.Field.Type} in row {row}, which an on-demand feature view declares; send values of that type, or null."));

    private static InputColumn Column(ExpressionInput input, int rows, ValueOfRow value, Func<ExpressionInput, int, RetrievalException> fault) => ExpressionText.TypeOf(input.Field.Type) switch
    {
        ExpressionType.Double => Column(input, rows, value, fault, Real),
        ExpressionType.String => Texts(input, rows, value, fault),
        ExpressionType.Bool => Column(input, rows, value, fault, static v => v.ValCase == Value.ValOneofCase.BoolVal ? v.BoolVal : (bool?)null),
        ExpressionType.Timestamp => Column(input, rows, value, fault, static v => v.ValCase == Value.ValOneofCase.UnixTimestampVal ? v.UnixTimestampVal : Whole(v)),
        ExpressionType.Int64 => Column(input, rows, value, fault, Whole),

        // No expression names it.
        _ => InputColumn.Of(Array.Empty<bool>(), []),
    };

    private static InputColumn Column<T>(ExpressionInput input, int rows, ValueOfRow value, Func<ExpressionInput, int, RetrievalException> fault, Func<Value, T?> convert)
        where T : struct
    {
        var (values, there) = (new T[rows], new bool[rows]);
        for (var row = 0; row < rows; row++)
        {
            if (value(row) is { } one)
            {
                (values[row], there[row]) = (convert(one) ?? throw fault(input, row), true);
            }
        }

        return InputColumn.Of(values, there);
    }

    private static InputColumn Texts(ExpressionInput input, int rows, ValueOfRow value, Func<ExpressionInput, int, RetrievalException> fault)
    {
        var (values, there) = (new string[rows], new bool[rows]);
        for (var row = 0; row < rows; row++)
        {
            if (value(row) is { } one)
            {
                (values[row], there[row]) = (one.ValCase == Value.ValOneofCase.StringVal ? one.StringVal : throw fault(input, row), true);
            }
        }

        return InputColumn.Of(values, there);
    }

    private static long? Whole(Value value) => value.ValCase switch
    {
        Value.ValOneofCase.Int64Val => value.Int64Val,
        Value.ValOneofCase.Int32Val => value.Int32Val,
        _ => null,
    };

    private static double? Real(Value value) => value.ValCase switch
    {
        Value.ValOneofCase.DoubleVal => value.DoubleVal,
        Value.ValOneofCase.FloatVal => value.FloatVal,
        _ => Whole(value),
    };

    private static RetrievalException Corrupt(ExpressionInput input, int row) =>
        new(RetrievalFault.Corrupt, $"A stored value of {input.View}:{input.Field.Name} is no {input.Field.Type}, as its view declares (row {row} of the request); materialize the view again.");
}
