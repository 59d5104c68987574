using Feast.Types;
using FeatureStore.Scoring.Runtime;

namespace FeatureStore.Scoring.Online;

/// <summary>Outputs of a model as Feast's values: one where a row has one, else a list.</summary>
public static class ScoreValues
{
    /// <param name="row">Row of the batch that was scored; negative gives a value that is unset.</param>
    public static Value Of(Tensor output, int row)
    {
        if (row < 0)
        {
            return new Value();
        }

        var width = (int)(output.Values.Length / output.Rows);
        var from = row * width;
        return output.Shape.Count <= 1 || (output.Shape.Count == 2 && width == 1) ? Single(output, from) : Many(output, from, width);
    }

    private static Value Single(Tensor output, int at) => output.Type switch
    {
        TensorType.Float => new Value { FloatVal = output.Span<float>()[at] },
        TensorType.Float16 => new Value { FloatVal = (float)output.Span<Half>()[at] },
        TensorType.Double => new Value { DoubleVal = output.Span<double>()[at] },
        TensorType.Bool => new Value { BoolVal = output.Span<bool>()[at] },
        TensorType.String => new Value { StringVal = output.Span<string>()[at] },
        TensorType.UInt64 => new Value { DoubleVal = output.Span<ulong>()[at] },
        _ => new Value { Int64Val = Whole(output, at) },
    };

    private static Value Many(Tensor output, int from, int width)
    {
        var places = Enumerable.Range(from, width);
        return output.Type switch
        {
            TensorType.Float => new Value { FloatListVal = new FloatList { Val = { output.Span<float>().Slice(from, width).ToArray() } } },
            TensorType.Float16 => new Value { FloatListVal = new FloatList { Val = { places.Select(i => (float)output.Span<Half>()[i]) } } },
            TensorType.Double => new Value { DoubleListVal = new DoubleList { Val = { output.Span<double>().Slice(from, width).ToArray() } } },
            TensorType.Bool => new Value { BoolListVal = new BoolList { Val = { output.Span<bool>().Slice(from, width).ToArray() } } },
            TensorType.String => new Value { StringListVal = new StringList { Val = { output.Span<string>().Slice(from, width).ToArray() } } },
            TensorType.UInt64 => new Value { DoubleListVal = new DoubleList { Val = { places.Select(i => (double)output.Span<ulong>()[i]) } } },
            _ => new Value { Int64ListVal = new Int64List { Val = { places.Select(i => Whole(output, i)) } } },
        };
    }

    private static long Whole(Tensor output, int at) => output.Type switch
    {
        TensorType.Int64 => output.Span<long>()[at],
        TensorType.Int32 => output.Span<int>()[at],
        TensorType.Int16 => output.Span<short>()[at],
        TensorType.Int8 => output.Span<sbyte>()[at],
        TensorType.UInt32 => output.Span<uint>()[at],
        TensorType.UInt16 => output.Span<ushort>()[at],
        _ => output.Span<byte>()[at],
    };
}
