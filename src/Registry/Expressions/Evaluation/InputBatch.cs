namespace FeatureStore.Registry.Expressions.Evaluation;

/// <summary>Gives the value of an expression for a row; false for null. Compiled once, safe for concurrent use, and makes no object per row but texts.</summary>
public delegate bool Evaluator<T>(InputBatch inputs, int row, out T value);

/// <summary>The inputs of a view for the rows of a request, in the order of the view's inputs.</summary>
public sealed class InputBatch(IReadOnlyList<InputColumn> columns)
{
    private readonly InputColumn[] _columns = [.. columns];

    internal InputColumn<T> Column<T>(int index) => (InputColumn<T>)_columns[index];
}

/// <summary>One input: long (also seconds of a timestamp), double, string or bool per row.</summary>
public abstract class InputColumn
{
    private protected InputColumn()
    {
    }

    /// <param name="there">False where the row has none, which is null.</param>
    public static InputColumn Of<T>(T[] values, bool[] there) => new InputColumn<T>(values, there);
}

internal sealed class InputColumn<T>(T[] values, bool[] there) : InputColumn
{
    public bool Get(int row, out T value)
    {
        value = values[row];
        return there[row];
    }
}
