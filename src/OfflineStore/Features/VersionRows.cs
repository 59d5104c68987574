using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.OfflineStore.Features;

/// <summary>
/// Reads a plain view over a change table: each version of a source row is a feature row whose event time is the view's timestamp field and whose
/// created time is when the version became known.
/// </summary>
internal static class VersionRows
{
    /// <summary>
    /// Of each entity the newest version (event time, then known time) of those that nothing has ended, at or before a time; of an entity whose every
    /// version ended the empty row: its last event time, created when the last one ended, all features null. So what the source deleted is no longer
    /// served. Columns: join keys, features, event and created microseconds; in no order.
    /// </summary>
    /// <param name="changes">The change table, as <see cref="LakeSql.Files"/> gives it.</param>
    /// <param name="field">A join key's or feature's column, cast to its type.</param>
    /// <param name="whose">A condition on the keys, or empty.</param>
    /// <param name="added">Changes whose entities are taken whatever their event time, or null.</param>
    /// <param name="traits">What occurs in the table.</param>
    /// <param name="knownAtMicros">Changes known later are as if they had not come.</param>
    /// <exception cref="DeltaException">The table lacks a column.</exception>
    public static string Latest(
        FeatureViewModel view, IReadOnlyList<LakeColumn> columns, string changes, Func<FieldModel, string> field, string whose, long startMicros, long endMicros, string? added, ChangeTraits traits, long knownAtMicros)
    {
        var keys = view.JoinKeys.Select((key, i) => (Sql: field(key), Name: $"key{i}")).ToList();
        var features = view.Features.Select((feature, i) => (Sql: field(feature), Name: $"feature{i}")).ToList();
        var time = Find(view, columns, view.Source.TimestampField);
        IReadOnlyList<LakeColumn> read =
        [
            .. view.JoinKeys.Concat(view.Features).Select(f => ViewColumns.SourceColumn(view, f.Name)).Append(time.Name).Distinct()
                .Select(name => Find(view, columns, name)),
        ];
        var entity = string.Join(", ", keys.Select(k => k.Name));

        // A change touches the entity of each version of its source row, the one it moved away from too; a truncate touches all.
        var packed = string.Join(", ", keys.Select(k => $"{k.Name} := {k.Name}"));
        var touched = added is null
            ? string.Empty
            : $" OR struct_pack({packed}) IN (SELECT struct_pack({packed}) FROM feature_row SEMI JOIN {added} change USING (__source, __key)) OR EXISTS (SELECT 1 FROM {added} WHERE __op = 't')";

        // A version that ended in the moment it began was never known, but a run between the two commits may have served it: its end counts.
        return $"""
            WITH RECURSIVE {ChangeVersions.With(changes, read, traits)},
            feature_row AS (
                SELECT {string.Join(", ", keys.Concat(features).Select(c => $"{c.Sql} AS {c.Name}"))},
                    {LakeSql.Micros(LakeSql.Name(time.Name), time.Type)} AS event_time, k, k_next, k_next = {ChangeVersions.End} AS alive, __source, __key
                FROM (SELECT * REPLACE (CASE WHEN k_next > {LakeSql.Number(knownAtMicros)} THEN {ChangeVersions.End} ELSE k_next END AS k_next) FROM version)
                WHERE k <= {LakeSql.Number(knownAtMicros)} AND __op <> 'd'{whose} AND {string.Join(" AND ", keys.Select(k => k.Sql + " IS NOT NULL"))}),
            newest AS (
                SELECT *, max(k_next) OVER (PARTITION BY {entity}) AS ended
                FROM feature_row
                WHERE event_time <= {LakeSql.Number(endMicros)}
                QUALIFY row_number() OVER (PARTITION BY {entity} ORDER BY alive DESC, event_time DESC, k DESC, __source, __key) = 1)
            SELECT {string.Join(", ", keys.Select(k => k.Name).Concat(features.Select(f => $"CASE WHEN alive THEN {f.Name} END")))},
                event_time, CASE WHEN alive THEN k ELSE ended END
            FROM newest
            WHERE event_time >= {LakeSql.Number(startMicros)}{touched}
            """;
    }

    private static LakeColumn Find(FeatureViewModel view, IReadOnlyList<LakeColumn> columns, string name) =>
        columns.FirstOrDefault(c => c.Name == name)
            ?? throw new DeltaException($"{view.Source.Path} has no column {name}, which view {view.Name} needs; correct the view or its source.");
}
