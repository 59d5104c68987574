using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.OfflineStore.PointInTime;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.OfflineStore.DataSets;

/// <summary>Makes training sets: to every label the features that were known when it fell. One row out for each row in, in order.</summary>
/// <param name="lake">Place that relative source paths start from.</param>
/// <param name="options">Bounds of the engine; the defaults when null.</param>
public sealed class TrainingExport(LakePlace lake, LakeOptions? options = null)
{
    /// <summary>Labels that are joined at a time: whole row groups of the written file, more of them if memory allows.</summary>
    internal int PartRows { get; init; } = 10 * DataSetWriter.RowGroup;

    /// <summary>Memory in bytes that what is found for a larger part may take; what goes beyond that of <see cref="PartRows"/> lowers DuckDB's limit.</summary>
    internal long PartBytes { get; init; } = Quarter(options);

    /// <summary>Most memory for views that are held beside DuckDB's own, in bytes; by default a quarter of its limit, which is lowered by what is taken.</summary>
    internal long HeldBytes { get; init; } = Quarter(options);

    /// <summary>Called with labels done and labels in all.</summary>
    public IProgress<(long Done, long Total)>? Progress { get; init; }

    /// <summary>The fingerprint by which a model trained on the set is checked against what is served.</summary>
    public string? ServingFingerprint { get; init; }

    /// <summary>Writes the data set and its manifest.</summary>
    /// <exception cref="LabelException">Labels or features cannot be used.</exception>
    /// <exception cref="DeltaException">A table is missing, damaged, or not at the version asked for.</exception>
    public DataSetManifest Run(RegistrySnapshot snapshot, TrainingRequest request, DataSetTarget target, CancellationToken cancellationToken)
    {
        var selected = FeatureSelection.Resolve(snapshot, request);
        using var database = LakeDatabase.Open(options);
        using var connection = LakeDatabase.Connect(database, cancellationToken);
        using var writer = new DataSetWriter(connection, target);
        var pins = new LakePins(lake, request.AtVersions);
        var labels = new LabelLoader(connection, pins, request.Labels).Load(cancellationToken);
        var bounds = options ?? LakeOptions.Default;
        var workers = new ViewWorkers(() => LakeDatabase.Connect(database, cancellationToken), bounds.Threads);
        var join = new TrainingJoin(connection, workers, pins, labels, selected, request, new HeldViews(bounds.MemoryLimitMiB, HeldBytes))
        {
            PartRows = PartRows,
            PartBytes = PartBytes,
            Progress = Progress,
        };
        var leakage = join.Write(writer, cancellationToken);
        if (request.Rules.AsFeast)
        {
            WidenIntegers(connection, writer, cancellationToken);
        }

        writer.BeginHash();
        var columns = ColumnStatistics.Read(connection, () => LakeDatabase.Connect(database, cancellationToken), writer.Parts, join.Origins, labels.Rows, cancellationToken);
        var files = writer.Publish(labels.Columns[labels.TimeIndex].Name, cancellationToken);
        var manifest = new DataSetManifest(
            DataSetManifest.FormatName,
            snapshot.Project,
            "DuckDB " + connection.Texts("SELECT version() AS version", cancellationToken)[0][0],
            DefinitionsHash.Of(selected),
            ServingFingerprint,
            Query(request, labels),
            pins.Versions(),
            labels.Rows,
            labels.NaiveTimes,
            DataSetWriter.Sha256(files),
            files,
            columns,
            leakage);
        writer.Seal(manifest);
        return manifest;
    }

    private static long Quarter(LakeOptions? options) => ((long)(options ?? LakeOptions.Default).MemoryLimitMiB << 20) / 4;

    private static DataSetQuery Query(TrainingRequest request, LabelTable labels) => new(
        request.Labels.Path,
        labels.Sha256,
        request.Labels.Sql,
        labels.Columns[labels.TimeIndex].Name,
        request.Features,
        request.FeatureService,
        request.FullNames,
        request.Rules.AsFeast ? "feast" : "strict",
        request.Rules.KnownTime == KnownTime.Commit ? "commit" : "event",
        request.Rules.AvailableAfter.TotalSeconds,
        request.Rules.WindowAt == WindowAt.Label ? "label" : "snapshot");

    // A data frame of Feast's holds an integer column with a missing value as doubles.
    private static void WidenIntegers(DuckDbConnection connection, DataSetWriter writer, CancellationToken cancellationToken)
    {
        var all = $"read_parquet([{string.Join(", ", writer.Parts.Select(LakeSql.Text))}], hive_partitioning = false)";
        var integers = connection.Describe($"SELECT * FROM {all}", cancellationToken)
            .Where(c => c.Type.EndsWith("INT", StringComparison.Ordinal) || c.Type == "INTEGER").Select(c => LakeSql.Name(c.Name)).ToList();
        if (integers.Count == 0)
        {
            return;
        }

        var missing = connection.Texts($"SELECT {string.Join(", ", integers.Select((c, i) => $"count(*) > count({c}) AS m{i}"))} FROM {all}", cancellationToken)[0];
        string[] widened = [.. integers.Zip(missing).Where(c => c.Second == "true").Select(c => $"CAST({c.First} AS DOUBLE) AS {c.First}")];
        if (widened.Length > 0)
        {
            writer.Replace(widened, cancellationToken);
        }
    }
}
