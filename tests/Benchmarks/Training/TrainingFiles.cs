using FeatureStore.DuckDb;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Benchmarks.Training;

/// <summary>Three views of ten features each and the labels, as Parquet files of weekly rows.</summary>
internal static class TrainingFiles
{
    public const int Views = 3;
    private const int Features = 10;
    private const long FirstMicros = 1_700_000_000_000_000;
    private const long Week = 604_800_000_000;
    private const long Hour = 3_600_000_000;

    public static string Feature(int view, int feature) => $"v{view}_f{feature}";

    /// <summary>Names of a view's features.</summary>
    public static IEnumerable<string> FeaturesOf(int view) => Enumerable.Range(0, Features).Select(f => Feature(view, f));

    public static RegistrySnapshot Snapshot()
    {
        var views = Enumerable.Range(1, Views).Select(v => new FeatureViewModel(
            $"v{v}",
            [new("user_id", Kind.String)],
            [.. Enumerable.Range(0, Features).Select(f => new FieldModel(Feature(v, f), IsWhole(f) ? Kind.Int64 : Kind.Double))],
            TimeSpan.FromDays(14),
            true,
            new SourceModel($"v{v}", $"v{v}.parquet", "event_timestamp", "created_timestamp", new Dictionary<string, string>()),
            null)).ToDictionary(v => v.Name);
        var service = new FeatureServiceModel("all", [.. views.Values.Select(v => new ProjectionModel(v.Name, v.Name, [.. v.Features.Select(f => f.Name)], new Dictionary<string, string>()))]);
        return new RegistrySnapshot("benchmark", 3, views, new Dictionary<string, FeatureServiceModel> { ["all"] = service });
    }

    /// <summary>Writes the files unless they are there; the same for the same numbers.</summary>
    public static void Ensure(TrainingSettings settings)
    {
        var labels = Path.Combine(settings.Folder, "labels.parquet");
        if (File.Exists(labels))
        {
            return;
        }

        Directory.CreateDirectory(settings.Folder);
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(2048, 1, Path.Combine(settings.Folder, "make-spill")));
        using var connection = database.Connect();
        connection.Execute("SET TimeZone = 'UTC'; SELECT setseed(0.5)");
        for (var view = 1; view <= Views; view++)
        {
            var v = view;
            var time = $"{FirstMicros} + (i // {settings.Entities}) * {Week} + {v * Hour}";
            var features = Enumerable.Range(0, Features).Select(f => $"{(IsWhole(f) ? "CAST(random() * 1000 AS BIGINT)" : "random() * 1000")} AS {Feature(v, f)}");
            connection.Execute($"""
                COPY (SELECT 'u' || lpad(CAST(i % {settings.Entities} AS VARCHAR), 7, '0') AS user_id, {string.Join(", ", features)},
                    make_timestamptz({time}) AS event_timestamp,
                    make_timestamptz({time} + CASE WHEN random() * 100 < {settings.LatePercent} THEN CAST(random() * 10 * 24 * {Hour} AS BIGINT) ELSE 0 END) AS created_timestamp
                    FROM range({settings.Rows}) t(i))
                TO '{settings.Folder}/v{v}.parquet' (FORMAT PARQUET)
                """);
        }

        connection.Execute($"""
            COPY (SELECT 'u' || lpad(CAST(CAST(floor(random() * {settings.Entities}) AS BIGINT) AS VARCHAR), 7, '0') AS user_id,
                make_timestamptz({FirstMicros} + CAST(random() * {settings.Rows / settings.Entities} * {Week} AS BIGINT)) AS event_timestamp, random() < 0.1 AS label
                FROM range({settings.Labels}))
            TO '{labels}.new' (FORMAT PARQUET)
            """);
        File.Move(labels + ".new", labels);
    }

    private static bool IsWhole(int feature) => feature % 3 == 0;
}
