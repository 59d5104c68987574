using Feast.Types;
using FeatureStore.Contract.Values;
using FeatureStore.Serving.Retrieval;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Serving.Writing;

/// <summary>
/// Rows as a push sends them: column to a value per row. Values are those that <see cref="FeatureValues"/> takes, or
/// messages where the sender typed them. Names are those of the view, after field mapping.
/// </summary>
public sealed class PushedColumns
{
    private readonly Dictionary<string, IReadOnlyList<object?>> _columns;

    /// <exception cref="RetrievalException">There is no column, or the columns are not of one length.</exception>
    public PushedColumns(IEnumerable<KeyValuePair<string, IReadOnlyList<object?>>> columns)
    {
        _columns = new Dictionary<string, IReadOnlyList<object?>>(columns);
        Rows = _columns.Count == 0 ? 0 : _columns.Values.First().Count;
        foreach (var (name, values) in _columns)
        {
            if (values.Count != Rows)
            {
                throw new RetrievalException(RetrievalFault.Invalid, $"Column '{name}' has {values.Count} rows where others have {Rows}; send columns of one length.");
            }
        }
    }

    public int Rows { get; }

    public IReadOnlyCollection<string> Names => _columns.Keys;

    /// <summary>A column as it was sent; null where there is none.</summary>
    public IReadOnlyList<object?>? Find(string name) => _columns.GetValueOrDefault(name);

    /// <summary>A column in its declared type.</summary>
    /// <exception cref="RetrievalException">The column is missing, or one of its values cannot become the type.</exception>
    public IReadOnlyList<Value> Typed(string name, Kind type)
    {
        var column = Find(name) ?? throw new RetrievalException(RetrievalFault.Invalid, $"The column '{name}' is missing; send every join key and feature of the view.");
        try
        {
            var plain = new object?[column.Count];
            for (var row = 0; row < plain.Length; row++)
            {
                plain[row] = column[row] is Value value ? Plain(value) : column[row];
            }

            var values = FeatureValues.Column(plain, type).ToArray();
            for (var row = 0; row < values.Length; row++)
            {
                // What the sender typed as declared stays as it is; field numbers of the oneof are the types' numbers.
                values[row] = column[row] is Value value && (int)value.ValCase == (int)type ? value : values[row];
            }

            return values;
        }
        catch (FeatureValueException e)
        {
            throw new RetrievalException(RetrievalFault.Invalid, $"Column '{name}': {e.Message}");
        }
    }

    private static object? Plain(Value value) => value.ValCase switch
    {
        Value.ValOneofCase.BytesVal => value.BytesVal.ToByteArray(),
        Value.ValOneofCase.StringVal => value.StringVal,
        Value.ValOneofCase.Int32Val => value.Int32Val,
        Value.ValOneofCase.Int64Val => value.Int64Val,
        Value.ValOneofCase.DoubleVal => value.DoubleVal,
        Value.ValOneofCase.FloatVal => value.FloatVal,
        Value.ValOneofCase.BoolVal => value.BoolVal,
        Value.ValOneofCase.UnixTimestampVal => value.UnixTimestampVal,

        // Lists, sets and maps are taken only in their own type, and then as they are.
        _ => null,
    };
}
