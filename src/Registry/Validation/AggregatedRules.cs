using FeatureStore.Registry.Definitions;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Registry.Validation;

/// <summary>Rules for views that compute: aggregations against the schema, and columns against the change table's schema when it is written.</summary>
internal static class AggregatedRules
{
    public static void Check(
        FeatureViewDefinition view,
        AggregatedDefinition aggregated,
        SourceDefinition changes,
        IReadOnlyDictionary<string, EntityDefinition> joinKeys,
        FaultList faults)
    {
        var block = view.Header.Block;
        if (view.Entities.Count == 0)
        {
            block.Fault("entities", $"{block.What} computes for each entity but names none; add 'entities: [user]'.");
        }

        var features = view.Schema.Where(f => !joinKeys.ContainsKey(f.Name)).ToArray();
        foreach (var feature in features.Where(f => f.Name.Length > 0 && aggregated.Aggregations.All(a => a.Model.Name != f.Name)))
        {
            faults.Add(feature.Place, $"Nothing computes the feature '{feature.Name}'; add an aggregation of that name or remove it.");
        }

        foreach (var twice in aggregated.Aggregations.GroupBy(a => a.Model.Name).SelectMany(g => g.Skip(1)))
        {
            twice.Block.Fault("name", $"There is a second aggregation '{twice.Model.Name}'; rename or remove one.");
        }

        foreach (var aggregation in aggregated.Aggregations)
        {
            CheckAggregation(aggregation, features, changes);
        }

        CheckColumns(view, aggregated, changes, joinKeys);
    }

    private static void CheckAggregation(AggregationDefinition aggregation, FieldDefinition[] features, SourceDefinition changes)
    {
        var (name, function, column) = aggregation.Model;
        var feature = features.FirstOrDefault(f => f.Name == name);
        if (feature is null && name.Length > 0)
        {
            aggregation.Block.Fault("name", $"The aggregation '{name}' is no feature of the schema; add '- {{name: {name}, dtype: …}}' to it.");
        }

        var kind = ColumnKind(aggregation, changes);
        var wanted = function switch
        {
            "count" or "count_distinct" => Kind.Int64,
            "sum" or "mean" => Kind.Double,
            _ => kind ?? feature?.Type ?? Kind.Invalid,
        };
        if (feature is not null && feature.Type != Kind.Invalid && wanted != Kind.Invalid && feature.Type != wanted)
        {
            aggregation.Block.Fault("function", $"{function} makes {FieldTypes.Text(wanted)}, but the feature '{name}' is {FieldTypes.Text(feature.Type)}; write 'dtype: {FieldTypes.Text(wanted)}'.");
        }

        if (function is "sum" or "mean" && kind is { } summed && summed is not (Kind.Int32 or Kind.Int64 or Kind.Float or Kind.Double))
        {
            aggregation.Block.Fault("column", $"{function} needs numbers, and the column '{column}' is {FieldTypes.Text(summed)}; take count, min, max or count_distinct.");
        }
    }

    /// <summary>The type of the aggregation's column; null when the source has no schema or, with a fault, lacks the column.</summary>
    private static Kind? ColumnKind(AggregationDefinition aggregation, SourceDefinition changes)
    {
        var column = aggregation.Model.Column;
        if (column.Length == 0 || changes.Schema.Count == 0)
        {
            return null;
        }

        var field = changes.Schema.FirstOrDefault(f => f.Name == column);
        if (field is null)
        {
            aggregation.Block.Fault("column", MissingColumn(changes, column));
        }

        return field?.Type;
    }

    private static void CheckColumns(
        FeatureViewDefinition view, AggregatedDefinition aggregated, SourceDefinition changes, IReadOnlyDictionary<string, EntityDefinition> joinKeys)
    {
        if (changes.Schema.Count == 0)
        {
            return;
        }

        var block = view.Header.Block;
        var time = changes.Schema.FirstOrDefault(f => f.Name == aggregated.EventTime);
        if (aggregated.EventTime.Length > 0 && time?.Type != Kind.UnixTimestamp)
        {
            block.Fault(
                "event_time",
                time is null ? MissingColumn(changes, aggregated.EventTime) : $"'event_time' names '{time.Name}', which is {FieldTypes.Text(time.Type)}; name a column of type UnixTimestamp.");
        }

        foreach (var (joinKey, entity) in joinKeys)
        {
            var column = changes.Schema.FirstOrDefault(f => f.Name == joinKey);
            if (column is null)
            {
                block.Fault("entities", MissingColumn(changes, joinKey));
            }
            else if (column.Type != entity.ValueType)
            {
                block.Fault("entities", $"The join key '{joinKey}' is {FieldTypes.Text(entity.ValueType)} in entity '{entity.Header.Name}' and {FieldTypes.Text(column.Type)} in source '{changes.Header.Name}'; make them equal.");
            }
        }
    }

    private static string MissingColumn(SourceDefinition source, string column) =>
        $"The source '{source.Header.Name}' has no column '{column}'; there are: {string.Join(", ", source.Schema.Select(f => f.Name))}.";
}
