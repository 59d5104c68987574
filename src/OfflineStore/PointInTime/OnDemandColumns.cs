using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Expressions;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>Computes on-demand features over joined labels: the values that serving would have made of the same inputs.</summary>
internal sealed class OnDemandColumns
{
    // No name of a person's begins so, as a field's holds no point.
    private const string Prefix = "fstore.";
    private readonly List<Func<Func<int, int, string>, string>> _inputs = [];
    private readonly List<string> _values = [];
    private readonly List<ExpressionSql> _views = [];

    /// <exception cref="LabelException">The labels lack a column that the request would bring, or it is of another type.</exception>
    public OnDemandColumns(LabelTable labels, IReadOnlyList<SelectedExpressions> views)
    {
        foreach (var view in views)
        {
            var names = new List<string>();
            foreach (var input in view.Inputs)
            {
                var name = LakeSql.Name($"{Prefix}in{_inputs.Count}");
                names.Add(name);
                var cell = Input(labels, view, input);
                _inputs.Add(feature => $"{cell(feature)} AS {name}");
            }

            var sql = new ExpressionSql(names, $"{Prefix}v{_views.Count}_");
            _views.Add(sql);
            _values.AddRange(view.Features.Select(f => Output(f.Field.Type, sql.Add(f.Tree))));
        }
    }

    /// <summary>A query of the data set's rows, in the order of a relation.</summary>
    /// <param name="stored">Columns that are there, as SQL over <paramref name="from"/>.</param>
    /// <param name="feature">A view's feature, by their numbers, as SQL over <paramref name="from"/>.</param>
    /// <param name="names">Names of all columns, the on-demand ones last.</param>
    /// <param name="from">A relation that says its order; the labels' columns are <c>l.t</c> and <c>l.c0, l.c1, …</c>.</param>
    public string Select(IReadOnlyList<string> stored, Func<int, int, string> feature, IReadOnlyList<string> names, string from)
    {
        var columns = stored.Zip(names, (sql, name) => $"{sql} AS {LakeSql.Name(name)}");
        if (_views.Count == 0)
        {
            return $"SELECT {string.Join(", ", columns)} FROM {from}";
        }

        var joined = $"(SELECT {string.Join(", ", columns.Concat(_inputs.Select(i => i(feature))))} FROM {from})";
        var made = _values.Zip(names.Skip(stored.Count), (sql, name) => $"{sql} AS {LakeSql.Name(name)}");
        return $"SELECT {string.Join(", ", names.Take(stored.Count).Select(LakeSql.Name).Concat(made))} FROM {_views.Aggregate(joined, (relation, view) => view.From(relation))}";
    }

    private static Func<Func<int, int, string>, string> Input(LabelTable labels, SelectedExpressions view, SelectedInput input)
    {
        var (source, index, feature) = input;
        if (source.View is not null)
        {
            return cell => index < 0 ? "NULL" : Typed(cell(index, feature), source.Field.Type);
        }

        var column = labels.IndexOf(source.Field.Name);
        if (column < 0)
        {
            throw new LabelException($"On-demand feature view '{view.View}' takes {source.Field.Name} from the request, and the labels have only {string.Join(", ", labels.Columns.Select(c => c.Name))}. Add the column.");
        }

        var (cell, type) = column == labels.TimeIndex ? ("make_timestamptz(l.t)", "TIMESTAMP WITH TIME ZONE") : ($"l.c{column}", labels.Columns[column].Type);
        return Fits(type, source.Field.Type)
            ? _ => Typed(cell, source.Field.Type)
            : throw new LabelException($"Labels, column {source.Field.Name}: it is {type}, and on-demand feature view '{view.View}' takes {source.Field.Type}. Write the column as that type.");
    }

    private static bool Fits(string type, Kind kind)
    {
        var isWhole = type.EndsWith("INT", StringComparison.Ordinal) || type == "INTEGER" || type == "UINTEGER";
        return ExpressionText.TypeOf(kind) switch
        {
            ExpressionType.Int64 => isWhole,
            ExpressionType.Double => isWhole || type is "DOUBLE" or "FLOAT" || type.StartsWith("DECIMAL", StringComparison.Ordinal),
            ExpressionType.String => type == "VARCHAR",
            ExpressionType.Bool => type == "BOOLEAN",
            ExpressionType.Timestamp => type == "DATE" || type.StartsWith("TIMESTAMP", StringComparison.Ordinal),
            _ => true,
        };
    }

    /// <summary>A cell as the language has it, by the rules of the online store: NaN is null, a time is whole seconds toward zero.</summary>
    private static string Typed(string cell, Kind kind) => kind switch
    {
        Kind.Int64 or Kind.Int32 => $"TRY(CAST({cell} AS BIGINT))",
        Kind.Float => Number($"CAST(TRY(CAST({cell} AS FLOAT)) AS DOUBLE)"),
        Kind.Double => Number($"CAST({cell} AS DOUBLE)"),
        Kind.UnixTimestamp => ExpressionSql.InYears($"(epoch_us(CAST({cell} AS TIMESTAMPTZ)) // 1000000)"),
        Kind.String or Kind.Bool => cell,

        // No expression can name it.
        _ => "NULL",
    };

    private static string Number(string sql) => $"CASE WHEN isnan({sql}) THEN NULL ELSE {sql} END";

    private static string Output(Kind kind, string sql) => kind switch
    {
        Kind.Int32 => $"CAST({sql} AS INTEGER)",
        Kind.Float => $"CAST({sql} AS FLOAT)",
        Kind.UnixTimestamp => $"make_timestamptz({sql} * 1000000)",
        _ => sql,
    };
}
