using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.Lake.Tables;

/// <summary>What a table's schema asks of its rows: values where NOT NULL stands, none where void stands, texts no longer than declared.</summary>
internal static class TableRules
{
    /// <summary>Refuses rows that break a rule, and rules that only another engine could check.</summary>
    /// <param name="relation">The rows: a table with the schema's columns.</param>
    /// <exception cref="DeltaException">A row breaks a rule, or the rule is an expression.</exception>
    public static void Check(DuckDbConnection connection, string table, string relation, IReadOnlyList<TableField> fields, CancellationToken cancellationToken)
    {
        if (fields.FirstOrDefault(f => f.Invariant is not null) is { } invariant)
        {
            throw new DeltaException($"{table}: column {invariant.Name} has the invariant {invariant.Invariant}, which this writer cannot check. Write to another table.");
        }

        foreach (var field in fields.Where(f => !f.IsNullable))
        {
            Refuse($"{LakeSql.Name(field.Name)} IS NULL", $"column {field.Name} is NOT NULL, and a row has no value for it");
        }

        foreach (var field in fields.Where(f => f.IsVoid))
        {
            Refuse($"{LakeSql.Name(field.Name)} IS NOT NULL", $"column {field.Name} is of type void, which holds nothing, and a row has a value for it");
        }

        foreach (var field in fields.Where(f => f.LengthMax is not null))
        {
            Refuse($"length({LakeSql.Name(field.Name)}) > {field.LengthMax}", $"column {field.Name} takes at most {field.LengthMax} characters, and a row has more");
        }

        void Refuse(string condition, string fault)
        {
            using var reader = connection.Query($"SELECT 1 FROM {relation} WHERE {condition} LIMIT 1", cancellationToken);
            if (reader.NextChunk())
            {
                throw new DeltaException($"{table}: {fault}. Nothing is written; correct the rows at their source.");
            }
        }
    }
}
