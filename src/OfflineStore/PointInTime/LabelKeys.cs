using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>
/// Gives every distinct entity of the labels a small number, so that joins compare numbers: the tables <c>entity0, entity1, …(k0, k1, …, code)</c>,
/// one for each set of label columns that views join on, and the plan's relation <c>point</c>.
/// </summary>
internal sealed class LabelKeys(DuckDbConnection connection, LabelTable labels)
{
    private readonly List<(IReadOnlyList<string> Columns, IReadOnlyList<Kind> Types)> _groups = [];

    /// <summary>The key group of a view, made if it is new.</summary>
    /// <exception cref="LabelException">The labels lack a column, or a cell is no such key.</exception>
    public int Group(SelectedView view, CancellationToken cancellationToken)
    {
        var types = view.Keys.Select(k => k.Type).ToList();
        var known = _groups.FindIndex(g => g.Columns.SequenceEqual(view.LabelKeys) && g.Types.SequenceEqual(types));
        if (known >= 0)
        {
            return known;
        }

        var keys = view.LabelKeys.Zip(types, (column, type) => Key(view, column, type, cancellationToken)).ToList();
        var names = string.Join(", ", keys.Select((_, i) => $"k{i}"));
        connection.Execute(
            keys.Count == 0
                ? $"CREATE OR REPLACE TABLE entity{_groups.Count} AS SELECT 0 AS code"
                : $"""
                CREATE OR REPLACE TABLE entity{_groups.Count} AS
                SELECT {names}, CAST(row_number() OVER () AS INTEGER) AS code
                FROM (SELECT DISTINCT {string.Join(", ", keys.Select((k, i) => $"{k} AS k{i}"))} FROM {LabelTable.Name})
                WHERE {string.Join(" AND ", keys.Select((_, i) => $"k{i} IS NOT NULL"))}
                """,
            cancellationToken);
        _groups.Add((view.LabelKeys, types));
        return _groups.Count - 1;
    }

    /// <summary>Offers <c>point</c>; every group is known by now.</summary>
    public void OfferPoints(CancellationToken cancellationToken)
    {
        var codes = _groups.Select((g, i) => g.Columns.Count == 0 ? $"0 AS code{i}" : $"e{i}.code AS code{i}");
        var joins = _groups.Select((g, i) => (Group: g, Index: i)).Where(g => g.Group.Columns.Count > 0).Select(g =>
            $"LEFT JOIN entity{g.Index} e{g.Index} ON {string.Join(" AND ", g.Group.Columns.Zip(g.Group.Types, (c, t) => Cell(c, t)).Select((k, i) => $"e{g.Index}.k{i} = {k}"))}");
        connection.Execute(
            $"CREATE OR REPLACE VIEW point AS SELECT {string.Join(", ", codes.Prepend($"{LabelTable.Name}.t").Prepend($"{LabelTable.Name}.rowid AS rid"))} FROM {LabelTable.Name} {string.Join(" ", joins)}",
            cancellationToken);
    }

    private string Key(SelectedView view, string column, Kind type, CancellationToken cancellationToken)
    {
        var index = labels.IndexOf(column);
        if (index < 0)
        {
            throw new LabelException($"View {view.Name} joins on {column}, and the labels have only {string.Join(", ", labels.Columns.Select(c => c.Name))}. Add the column, or rename one.");
        }

        var (name, given) = ($"c{index}", labels.Columns[index].Type);
        var wrong = Wrong(name, given, type)
            ?? throw new LabelException($"Labels, column {column}: it is {given}, and view {view.Name} joins on {type}. Write the column as that type{(type == Kind.String ? ", a number without a point, or text" : string.Empty)}.");
        if (connection.Texts($"SELECT rowid, CAST({name} AS VARCHAR) FROM {LabelTable.Name} WHERE {name} IS NOT NULL AND {wrong} ORDER BY rowid LIMIT 1", cancellationToken) is [[{ } row, { } text]])
        {
            throw new LabelException($"{labels.Place(long.Parse(row, System.Globalization.CultureInfo.InvariantCulture))}, column {column}: '{text}' is no {type}, which view {view.Name} joins on. Correct the cell, or leave it empty.");
        }

        return Cell(column, type);
    }

    private string Cell(string column, Kind type)
    {
        var index = labels.IndexOf(column);
        return FeatureCells.Sql($"c{index}", labels.Columns[index].Type, type);
    }

    /// <summary>A condition for cells that are no such key; null where the whole column cannot be one.</summary>
    private static string? Wrong(string cell, string given, Kind type)
    {
        var isWhole = given.EndsWith("INT", StringComparison.Ordinal) || given.EndsWith("INTEGER", StringComparison.Ordinal);
        return type switch
        {
            Kind.Int64 or Kind.Int32 when isWhole => $"TRY_CAST({cell} AS {Whole(type)}) IS NULL",
            Kind.Int64 or Kind.Int32 when given is "DOUBLE" or "FLOAT" => $"NOT isnan({cell}) AND ({cell} <> trunc({cell}) OR TRY_CAST({cell} AS {Whole(type)}) IS NULL)",
            Kind.Int64 or Kind.Int32 when given == "VARCHAR" => $"(NOT regexp_full_match({cell}, '[-+]?[0-9]+') OR TRY_CAST({cell} AS {Whole(type)}) IS NULL)",
            Kind.String when isWhole || given is "VARCHAR" or "UUID" => "false",
            Kind.Bytes when given is "BLOB" or "VARCHAR" => "false",
            Kind.UnixTimestamp when given.StartsWith("TIMESTAMP", StringComparison.Ordinal) => "false",
            _ => null,
        };
    }

    private static string Whole(Kind type) => LakeSql.Type(type == Kind.Int64 ? LakeType.Int64 : LakeType.Int32);
}
