using System.Globalization;
using System.Text.Json;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>
/// A change table's files as SQL, split by what may be left unread. Files of inserts are pruned by their time and commit
/// date; every other file is always looked at.
/// </summary>
internal sealed class ChangeScan
{
    /// <summary>
    /// A value for a key, nearly always another for another key. DuckDB's hash of long texts has collisions that follow
    /// a pattern, so the text is hashed from two places.
    /// </summary>
    public const string KeyHash = "hash(__source, __key, substr(__key, 2))";

    // Other writers cut statistics to milliseconds.
    private const long StatisticsCutMicros = 1_000;
    private readonly LakePlace _root;
    private readonly IReadOnlyList<LakeColumn> _columns;
    private readonly List<DeltaFile> _changes;
    private readonly List<InsertFile> _inserts;

    public ChangeScan(LakePlace root, DeltaSnapshot snapshot, IReadOnlyList<LakeColumn> columns, string timeColumn)
    {
        (_root, _columns) = (root, columns);
        _changes = [.. snapshot.Files.Values.Where(f => !IsInsert(f))];
        _inserts = [.. snapshot.Files.Values.Where(IsInsert).Select(f => InsertFile.Of(f, timeColumn))];
    }

    private ChangeScan(LakePlace root, IReadOnlyList<LakeColumn> columns, List<DeltaFile> changes)
    {
        (_root, _columns, _changes, _inserts) = (root, columns, changes, []);
    }

    /// <summary>Updates, deletes and truncates; also files that do not say what they hold.</summary>
    public string Changes => LakeSql.Files(_root, _changes, _columns);

    public string Inserts => From(_inserts);

    /// <summary>Inserts among which are all with a time from <paramref name="fromMicros"/> and before <paramref name="toMicros"/>.</summary>
    public string InsertsBetween(long fromMicros, long toMicros) =>
        From(_inserts.Where(f => f.GreatestMicros >= fromMicros && f.LeastMicros < toMicros));

    /// <summary>Inserts among which are all with a time before <paramref name="micros"/> that were committed after it.</summary>
    public string InsertsInFlight(long micros)
    {
        var date = LakeSql.DateText(micros);
        return From(_inserts.Where(f => f.LeastMicros < micros && (f.CommitDate is null || string.CompareOrdinal(f.CommitDate, date) >= 0)));
    }

    /// <summary>The same rows with every file among those that are always looked at.</summary>
    public ChangeScan AllChanges() => new(_root, _columns, [.. _changes, .. _inserts.Select(i => i.File)]);

    private static bool IsInsert(DeltaFile file) => file.Tags.GetValueOrDefault(ChangeColumns.KindTag) == ChangeColumns.InsertKind;

    private string From(IEnumerable<InsertFile> files) => LakeSql.Files(_root, files.Select(f => f.File), _columns);

    private sealed record InsertFile(DeltaFile File, long LeastMicros, long GreatestMicros, string? CommitDate)
    {
        public static InsertFile Of(DeltaFile file, string timeColumn)
        {
            var (least, greatest) = Bounds(file.Stats ?? "{}", timeColumn);
            return new InsertFile(file, least, greatest, file.PartitionValues.GetValueOrDefault(ChangeColumns.CommitDate));
        }

        // Statistics that nobody can read leave no file out.
        private static (long Least, long Greatest) Bounds(string text, string timeColumn)
        {
            try
            {
                using var stats = JsonDocument.Parse(text);
                return (
                    Bound(stats.RootElement, "minValues", timeColumn) ?? long.MinValue,
                    Bound(stats.RootElement, "maxValues", timeColumn) is { } greatest ? greatest + StatisticsCutMicros : long.MaxValue);
            }
            catch (JsonException)
            {
                return (long.MinValue, long.MaxValue);
            }
        }

        private static long? Bound(JsonElement stats, string bounds, string column) =>
            stats.ValueKind == JsonValueKind.Object
            && stats.TryGetProperty(bounds, out var values) && values.ValueKind == JsonValueKind.Object
            && values.TryGetProperty(column, out var value) && value.ValueKind == JsonValueKind.String
            && DateTimeOffset.TryParse(
                value.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
                ? (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond
                : null;
    }
}
