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
}

internal sealed class FeatureColumn<T>(string name, T[] values, bool[]? nulls) : FeatureColumn(name, values.Length, nulls)
{
    public T[] Values { get; } = values;
}
