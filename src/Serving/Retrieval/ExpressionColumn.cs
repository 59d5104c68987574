using FeatureStore.Contract.Values;
using FeatureStore.Registry.Expressions;
using FeatureStore.Registry.Expressions.Evaluation;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Serving.Retrieval;

/// <summary>An expression that writes its values as they would be stored; the type was decided when the plan was made.</summary>
internal abstract class ExpressionColumn
{
    public static ExpressionColumn Compile(ExpressionFeature feature) => (feature.Tree.Type, feature.Field.Type) switch
    {
        (ExpressionType.Double, Kind.Float) => new Column<double>(ExpressionCompiler.Doubles(feature.Tree), static v => ValueBytes.Float((float)v)),
        (ExpressionType.Double, _) => new Column<double>(ExpressionCompiler.Doubles(feature.Tree), ValueBytes.Double),
        (ExpressionType.String, _) => new Column<string>(ExpressionCompiler.Texts(feature.Tree), ValueBytes.Text),
        (ExpressionType.Bool, _) => new Column<bool>(ExpressionCompiler.Truths(feature.Tree), ValueBytes.Boolean),
        (ExpressionType.Timestamp, _) => new Column<long>(ExpressionCompiler.Integers(feature.Tree), ValueBytes.UnixTimestamp),
        (_, Kind.Int32) => new Column<long>(ExpressionCompiler.Integers(feature.Tree), static v => ValueBytes.Int32((int)v)),
        _ => new Column<long>(ExpressionCompiler.Integers(feature.Tree), ValueBytes.Int64),
    };

    /// <summary>The value of a row as stored bytes; none for null.</summary>
    public abstract byte[] Value(InputBatch inputs, int row);

    private sealed class Column<T>(Evaluator<T> evaluator, Func<T, byte[]> write) : ExpressionColumn
    {
        public override byte[] Value(InputBatch inputs, int row) => evaluator(inputs, row, out var value) ? write(value) : ValueBytes.Null;
    }
}
