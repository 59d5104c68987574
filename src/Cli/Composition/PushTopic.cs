using FeatureStore.Ingest.Import;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Cli.Composition;

/// <summary>
/// The topic that keeps the offline pushes of one table until <c>fstore ingest</c> lands them there. A pushed row's key is
/// its join keys and event time, so that pushing a row again changes nothing.
/// </summary>
/// <param name="Views">The views that are pushed into the table.</param>
/// <param name="CreatedColumn">When a row was made, where the source declares it.</param>
internal sealed record PushTopic(string Path, IReadOnlyList<FeatureViewModel> Views, IReadOnlyList<PushedField> Fields, string TimeColumn, string? CreatedColumn)
{
    /// <summary>
    /// The tables of the lake that push sources fill. Left out are computed views, whose rows come from windows alone, and those
    /// with a type that the lake's tables do not hold.
    /// </summary>
    public static IReadOnlyList<PushTopic> Of(IEnumerable<FeatureViewModel> views) =>
    [
        .. views.Where(v => v.StreamSource is not null && v.Aggregated is null && IsOfTheLake(v.Source.Path) && v.JoinKeys.Concat(v.Features).All(f => Type(f) is not null)).GroupBy(v => v.Source.Path).Select(Make),
    ];

    /// <summary>As ingest takes it.</summary>
    public ChangeTopic ToChangeTopic(string project) => new(
        new ImportTable(Path, $"push.{project}.{Path}", [.. Fields.Select(f => f.Column)], TimeColumn, TimeColumn), Path, null);

    private static bool IsOfTheLake(string path) => path.Length > 0 && !System.IO.Path.IsPathRooted(path) && !path.Contains("://", StringComparison.Ordinal);

    private static PushTopic Make(IGrouping<string, FeatureViewModel> table)
    {
        var source = table.First().Source;

        // A view may have them as features too.
        var times = new[] { source.TimestampField, source.CreatedTimestampColumn }.OfType<string>().Distinct().ToArray();
        var fields = table.SelectMany(v => v.JoinKeys.Select(k => (Field: k, IsKey: true)).Concat(v.Features.Select(f => (Field: f, IsKey: false))))
            .DistinctBy(f => f.Field.Name)
            .Select(f => new PushedField(f.Field, f.IsKey, new LakeColumn(source.ColumnOf(f.Field.Name), Type(f.Field)!.Value)))
            .Where(f => !times.Contains(f.Column.Name))
            .Concat(times.Select(t => new PushedField(new FieldModel(t, Kind.UnixTimestamp), false, new LakeColumn(t, LakeType.Timestamp))));
        return new PushTopic(table.Key, [.. table], [.. fields], source.TimestampField, source.CreatedTimestampColumn);
    }

    private static LakeType? Type(FieldModel field) => field.Type switch
    {
        Kind.Int64 => LakeType.Int64,
        Kind.Int32 => LakeType.Int32,
        Kind.Double or Kind.Float => LakeType.Double,
        Kind.Bool => LakeType.Boolean,
        Kind.UnixTimestamp => LakeType.Timestamp,
        Kind.String => LakeType.String,
        _ => null,
    };
}

/// <summary>A column of a pushed row.</summary>
internal sealed record PushedField(FieldModel Field, bool IsKey, LakeColumn Column);
