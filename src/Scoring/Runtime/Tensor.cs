namespace FeatureStore.Scoring.Runtime;

/// <summary>Element types by the numbers that ONNX gives them.</summary>
public enum TensorType
{
    Float = 1,
    UInt8 = 2,
    Int8 = 3,
    UInt16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    UInt32 = 12,
    UInt64 = 13,
}

/// <summary>A named block of values, row after row.</summary>
public sealed class Tensor
{
    private Tensor(string name, TensorType type, long[] shape, Array values, IReadOnlyList<string>? classes)
    {
        Name = name;
        Type = type;
        Shape = shape;
        Values = values;
        Classes = classes;
    }

    public string Name { get; }

    public TensorType Type { get; }

    public IReadOnlyList<long> Shape { get; }

    /// <summary>Names of the columns, where the model gives them (its ZipMap); else null.</summary>
    public IReadOnlyList<string>? Classes { get; }

    /// <summary>The first axis; 1 for a single value.</summary>
    public long Rows => Shape.Count == 0 ? 1 : Shape[0];

    internal Array Values { get; }

    /// <summary>A tensor over an array, which is not copied.</summary>
    /// <exception cref="ArgumentException">The shape does not hold that many values, or .NET's type is none of ONNX's.</exception>
    public static Tensor Of<T>(string name, IReadOnlyList<long> shape, T[] values, IReadOnlyList<string>? classes = null)
    {
        var count = 1L;
        foreach (var length in shape)
        {
            count = length < 0 ? -1 : checked(count * length);
        }

        return count == values.Length
            ? new Tensor(name, TypeOf(typeof(T)), [.. shape], values, classes)
            : throw new ArgumentException($"'{name}' of shape [{string.Join(',', shape)}] holds {values.Length} values.");
    }

    /// <summary>The values as what they are.</summary>
    /// <exception cref="InvalidCastException">They are of another type.</exception>
    public ReadOnlySpan<T> Span<T>() => (T[])Values;

    /// <summary>Puts tensors of one type and width under each other.</summary>
    internal static Tensor Stack(IReadOnlyList<Tensor> parts)
    {
        var first = parts[0];
        var values = Array.CreateInstance(first.Values.GetType().GetElementType()!, parts.Sum(p => p.Values.Length));
        var at = 0;
        foreach (var part in parts)
        {
            Array.Copy(part.Values, 0, values, at, part.Values.Length);
            at += part.Values.Length;
        }

        return new Tensor(first.Name, first.Type, [parts.Sum(p => p.Rows), .. first.Shape.Skip(1)], values, first.Classes);
    }

    internal static TensorType TypeOf(Type type) => System.Type.GetTypeCode(type) switch
    {
        TypeCode.Single => TensorType.Float,
        TypeCode.Double => TensorType.Double,
        TypeCode.Int64 => TensorType.Int64,
        TypeCode.Int32 => TensorType.Int32,
        TypeCode.Int16 => TensorType.Int16,
        TypeCode.SByte => TensorType.Int8,
        TypeCode.UInt64 => TensorType.UInt64,
        TypeCode.UInt32 => TensorType.UInt32,
        TypeCode.UInt16 => TensorType.UInt16,
        TypeCode.Byte => TensorType.UInt8,
        TypeCode.Boolean => TensorType.Bool,
        TypeCode.String => TensorType.String,
        _ when type == typeof(Half) => TensorType.Float16,
        _ => throw new ArgumentException($"{type} is no element type of a tensor."),
    };
}
