namespace FeatureStore.Scoring.Scores;

/// <summary>Values of one feature, a row each, in the order of the batch.</summary>
public abstract class FeatureColumn
{
    private protected FeatureColumn(string name, int rows, bool[]? nulls)
    {
        if (nulls is not null && nulls.Length != rows)
        {
            throw new ArgumentException($"Feature '{name}' has {rows} values and {nulls.Length} marks of absence.");
        }

        Name = name;
        Rows = rows;
        Nulls = nulls;
    }

    public string Name { get; }

    public int Rows { get; }

    /// <summary>Which rows have no value; null where all have one.</summary>
    internal bool[]? Nulls { get; }

    /// <summary>Values of a feature of Feast's types double, float, int64, int32, bool or string. Arrays are not copied; what stands at an absent row is not read.</summary>
    public static FeatureColumn Of<T>(string name, T[] values, bool[]? nulls = null) => new FeatureColumn<T>(name, values, nulls);

    public bool IsNull(int row) => Nulls is not null && Nulls[row];

    /// <summary>The value of a row as an object, for printing; null where it is absent.</summary>
    public object? ValueAt(int row) => IsNull(row) ? null : AllValues.GetValue(row);

    /// <summary>Element type, by ONNX's names.</summary>
    internal abstract Runtime.TensorType Type { get; }

    /// <summary>The values of all rows; what stands at an absent row means nothing.</summary>
    internal abstract Array AllValues { get; }

    /// <summary>Some of the rows, in the order given.</summary>
    internal abstract FeatureColumn Take(int[] rows);
}

internal sealed class FeatureColumn<T>(string name, T[] values, bool[]? nulls) : FeatureColumn(name, values.Length, nulls)
{
    public T[] Values { get; } = values;

    internal override Array AllValues => Values;

    internal override Runtime.TensorType Type => Runtime.Tensor.TypeOf(typeof(T));

    internal override FeatureColumn Take(int[] rows) =>
        new FeatureColumn<T>(Name, Array.ConvertAll(rows, r => Values[r]), Nulls is null ? null : Array.ConvertAll(rows, r => Nulls[r]));
}
