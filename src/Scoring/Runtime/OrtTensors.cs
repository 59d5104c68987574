using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace FeatureStore.Scoring.Runtime;

/// <summary>Tensors to the library's values without a copy, and its results copied out, so that nothing above holds native memory.</summary>
internal static class OrtTensors
{
    public static OrtValue Wrap(Tensor tensor)
    {
        var shape = (long[])tensor.Shape;
        return tensor.Type switch
        {
            TensorType.Float => Wrap<float>(tensor, shape),
            TensorType.Double => Wrap<double>(tensor, shape),
            TensorType.Int64 => Wrap<long>(tensor, shape),
            TensorType.Int32 => Wrap<int>(tensor, shape),
            TensorType.Int16 => Wrap<short>(tensor, shape),
            TensorType.Int8 => Wrap<sbyte>(tensor, shape),
            TensorType.UInt64 => Wrap<ulong>(tensor, shape),
            TensorType.UInt32 => Wrap<uint>(tensor, shape),
            TensorType.UInt16 => Wrap<ushort>(tensor, shape),
            TensorType.UInt8 => Wrap<byte>(tensor, shape),
            TensorType.Bool => Wrap<bool>(tensor, shape),
            TensorType.Float16 => OrtValue.CreateTensorValueFromMemory(MemoryMarshal.Cast<Half, Float16>((Half[])tensor.Values).ToArray(), shape),
            _ => WrapStrings(tensor, shape),
        };
    }

    public static Tensor Read(string name, OrtValue value, IReadOnlyList<string>? classes)
    {
        if (!value.IsTensor)
        {
            throw new ScoreRequestException($"Output '{name}' is no tensor.");
        }

        var info = value.GetTensorTypeAndShape();
        var shape = info.Shape;
        if (classes is not null && (shape.Length == 0 || shape[^1] != classes.Count))
        {
            throw new ScoreRequestException($"Output '{name}' has the shape [{string.Join(',', shape)}] and {classes.Count} class names.");
        }

        return info.ElementDataType switch
        {
            TensorElementType.Float => Read<float>(name, value, shape, classes),
            TensorElementType.Double => Read<double>(name, value, shape, classes),
            TensorElementType.Int64 => Read<long>(name, value, shape, classes),
            TensorElementType.Int32 => Read<int>(name, value, shape, classes),
            TensorElementType.Int16 => Read<short>(name, value, shape, classes),
            TensorElementType.Int8 => Read<sbyte>(name, value, shape, classes),
            TensorElementType.UInt64 => Read<ulong>(name, value, shape, classes),
            TensorElementType.UInt32 => Read<uint>(name, value, shape, classes),
            TensorElementType.UInt16 => Read<ushort>(name, value, shape, classes),
            TensorElementType.UInt8 => Read<byte>(name, value, shape, classes),
            TensorElementType.Bool => Read<bool>(name, value, shape, classes),
            TensorElementType.Float16 => Tensor.Of(name, shape, MemoryMarshal.Cast<Float16, Half>(value.GetTensorDataAsSpan<Float16>()).ToArray(), classes),
            TensorElementType.String => Tensor.Of(name, shape, value.GetStringTensorAsArray(), classes),
            _ => throw new ScoreRequestException($"Output '{name}' holds {info.ElementDataType}, which is not supported."),
        };
    }

    private static OrtValue Wrap<T>(Tensor tensor, long[] shape)
        where T : unmanaged => OrtValue.CreateTensorValueFromMemory((T[])tensor.Values, shape);

    private static OrtValue WrapStrings(Tensor tensor, long[] shape)
    {
        var strings = (string[])tensor.Values;
        var value = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, shape);
        for (var i = 0; i < strings.Length; i++)
        {
            value.StringTensorSetElementAt(strings[i].AsSpan(), i);
        }

        return value;
    }

    private static Tensor Read<T>(string name, OrtValue value, long[] shape, IReadOnlyList<string>? classes)
        where T : unmanaged => Tensor.Of(name, shape, value.GetTensorDataAsSpan<T>().ToArray(), classes);
}
