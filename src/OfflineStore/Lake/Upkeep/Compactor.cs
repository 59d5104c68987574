using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake.Log;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.OfflineStore.Lake.Tables;

namespace FeatureStore.OfflineStore.Lake.Upkeep;

/// <summary>What a compaction did.</summary>
/// <param name="FilesRemoved">Files whose rows went on in others.</param>
/// <param name="FilesAdded">Files that hold them now.</param>
/// <param name="Commits">Commits made.</param>
public sealed record CompactResult(int FilesRemoved, int FilesAdded, long BytesRemoved, long BytesAdded, int Commits);

/// <summary>
/// Makes few files of many in a change table: one for each commit date and kind, up to a size. The rows stay as they are, and readers and
/// writers may be at work; the old files stay for readers of older versions until a vacuum.
/// </summary>
/// <param name="root">The table's folder.</param>
/// <param name="options">Bounds of the engine; the defaults when null.</param>
public sealed class Compactor(LakePlace root, LakeOptions? options = null, TimeProvider? time = null)
{
    /// <summary>Files are made up to this size, bytes; larger ones are left alone.</summary>
    public const long TargetBytesDefault = 128L << 20;

    // One commit covers so much, which bounds its memory and what a lost race throws away.
    private const int GroupsPerCommitMax = 512;
    private const long BytesPerCommitMax = 512L << 20;
    private const int LostMax = 10;
    private readonly DeltaLog _log = new(root, time);

    /// <summary>Compacts until no date and kind has two files that fit into one.</summary>
    /// <exception cref="DeltaException">The table is no change table or must not be written, or others removed its files again and again.</exception>
    public CompactResult Run(long targetBytes, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(targetBytes);
        var result = new CompactResult(0, 0, 0, 0, 0);
        var lost = 0;
        while (true)
        {
            var before = Read(cancellationToken);
            var inputs = Plan(before, targetBytes);
            if (inputs.Count == 0)
            {
                return result;
            }

            var outputs = Write(before, inputs, cancellationToken);
            if (outputs.Count >= inputs.Count)
            {
                new LakeFiles(root).Delete(outputs);
                return result;
            }

            if (Commit(before, inputs, outputs, cancellationToken))
            {
                result = new CompactResult(
                    result.FilesRemoved + inputs.Count,
                    result.FilesAdded + outputs.Count,
                    result.BytesRemoved + inputs.Sum(f => f.Size),
                    result.BytesAdded + outputs.Sum(f => f.Size),
                    result.Commits + 1);
            }
            else if (++lost == LostMax)
            {
                throw new DeltaException($"{root}: other writers removed files that were being compacted, {LostMax} times. Let one process at a time compact a table.");
            }
        }
    }

    private DeltaSnapshot Read(CancellationToken cancellationToken)
    {
        var snapshot = _log.Read(cancellationToken) ?? throw new DeltaException($"{root} is no Delta table; it has no log.");
        snapshot.EnsureKnownWriter(root.Address);
        if (!LakeFolder.IsChangeTable(snapshot, root.Address))
        {
            throw new DeltaException(
                $"{root} is no change table. A feature table is never compacted in place, for readers of plain Parquet look at every file of its folder; tables of other engines are compacted by those.");
        }

        return snapshot;
    }

    /// <summary>Files to merge: of each date and kind as many small ones as fit into one file, if that is two at least.</summary>
    private static List<DeltaFile> Plan(DeltaSnapshot snapshot, long targetBytes)
    {
        var planned = new List<DeltaFile>();
        long bytes = 0;
        var groups = snapshot.Files.Values
            .Where(f => f.Size < targetBytes && f.Tags.Keys.All(t => t == ChangeColumns.KindTag))
            .GroupBy(f => (f.PartitionValues.GetValueOrDefault(ChangeColumns.CommitDate), Kind(f)))
            .OrderBy(g => g.Key.Item1, StringComparer.Ordinal);
        var taken = 0;
        foreach (var group in groups)
        {
            var fitting = Fitting(group, targetBytes);
            if (fitting.Count < 2)
            {
                continue;
            }

            planned.AddRange(fitting);
            bytes += fitting.Sum(f => f.Size);
            if (++taken == GroupsPerCommitMax || bytes >= BytesPerCommitMax)
            {
                break;
            }
        }

        return planned;
    }

    private static List<DeltaFile> Fitting(IEnumerable<DeltaFile> files, long targetBytes)
    {
        var fitting = new List<DeltaFile>();
        long bytes = 0;
        foreach (var file in files.OrderBy(f => f.Size).ThenBy(f => f.Path, StringComparer.Ordinal))
        {
            if (bytes + file.Size > targetBytes)
            {
                break;
            }

            bytes += file.Size;
            fitting.Add(file);
        }

        return fitting;
    }

    private IReadOnlyList<DeltaFile> Write(DeltaSnapshot before, List<DeltaFile> inputs, CancellationToken cancellationToken)
    {
        using var database = LakeDatabase.Open(options);
        using var connection = LakeDatabase.Connect(database, cancellationToken);
        var rows = new TableScan(root, before.Metadata).Sql(inputs, (ChangeColumns.KindTag, Kind));
        try
        {
            var outputs = new TableWriter(root, before.Metadata).Write(connection, rows, ChangeColumns.KindTag, ChangeColumns.KindTag, cancellationToken);
            EnsureSameRows(connection, inputs, outputs, cancellationToken);
            return outputs;
        }
        catch (DuckDbException e) when (root.FirstMissing(inputs.Select(f => f.Path)) is { } gone)
        {
            throw new DeltaException($"{root}: {gone}, a file of version {before.Version}, is gone. 'fstore lake check' tells what else is; restore it from a copy.", e);
        }
    }

    // Inputs go for good some day, so what stands for them is counted before they are taken out.
    private void EnsureSameRows(DuckDbConnection connection, List<DeltaFile> inputs, IReadOnlyList<DeltaFile> outputs, CancellationToken cancellationToken)
    {
        var (before, after) = (Rows(inputs), Rows(outputs));
        if (before != after)
        {
            new LakeFiles(root).Delete(outputs);
            throw new DeltaException($"{root}: {before} rows were to be compacted and {after} were written; nothing is changed.");
        }

        long Rows(IEnumerable<DeltaFile> files)
        {
            var list = string.Join(", ", root.LocalFiles([.. files.Select(f => f.Path)]).Select(LakeSql.Path));
            using var reader = connection.Query($"SELECT CAST(sum(num_rows) AS BIGINT) FROM parquet_file_metadata([{list}])", cancellationToken);
            return reader.NextChunk() ? reader.Int64(0, 0) : 0;
        }
    }

    /// <returns>False if another writer took out one of the inputs meanwhile, or changed the table's columns; nothing is left of the outputs then.</returns>
    private bool Commit(DeltaSnapshot before, List<DeltaFile> inputs, IReadOnlyList<DeltaFile> outputs, CancellationToken cancellationToken)
    {
        var fields = TableField.Read(before.Metadata.SchemaString, root.Address);
        var committed = CommitLoop.Run(_log, before, now => StillHolds(now!) ? Merging(inputs, outputs) : null, cancellationToken);
        if (committed is null)
        {
            new LakeFiles(root).Delete(outputs);
        }

        return committed is not null;

        bool StillHolds(DeltaSnapshot now) =>
            now.IsWritable
            && inputs.TrueForAll(f => now.Files.ContainsKey(f.Path))
            && !fields.Except(TableField.Read(now.Metadata.SchemaString, root.Address)).Any();
    }

    private static DeltaCommit Merging(IReadOnlyList<DeltaFile> inputs, IReadOnlyList<DeltaFile> outputs) =>
        new(null, null, null, outputs, inputs, IsDataChange: false, Operation: "OPTIMIZE");

    private static string? Kind(DeltaFile file) => file.Tags.GetValueOrDefault(ChangeColumns.KindTag);
}
