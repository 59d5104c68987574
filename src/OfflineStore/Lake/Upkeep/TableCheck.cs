using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake.Log;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake.Upkeep;

/// <summary>Something about a table that does not hold.</summary>
/// <param name="What">The kind of fault, a fixed word: log, checkpoint, hint, missing, size, footer, rows, orphan, leftover.</param>
/// <param name="Path">The file it is about, relative to the table's folder, or null.</param>
public sealed record CheckFault(string What, string? Path, string Detail);

/// <summary>What a check found.</summary>
/// <param name="Version">The version checked, or null where the log cannot be read.</param>
public sealed record CheckResult(long? Version, int Files, IReadOnlyList<CheckFault> Faults);

/// <summary>
/// Compares a table's log with what lies in its folder: the log has no gap, checkpoints say what its commits say, every file is there
/// with its exact size, a readable footer and as many rows as its statistics tell, and no file lies about that no version names.
/// </summary>
/// <param name="root">The table's folder.</param>
/// <param name="options">Bounds of the engine; the defaults when null.</param>
public sealed class TableCheck(LakePlace root, LakeOptions? options = null, TimeProvider? time = null)
{
    private const int FootersPerQuery = 500;
    private static readonly TimeSpan TemporaryAge = TimeSpan.FromDays(1);
    private readonly DeltaLog _log = new(root, time);
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Looks at everything; what is wrong is in the result, nothing is thrown for it.</summary>
    public CheckResult Run(CancellationToken cancellationToken)
    {
        // Listed before the log is read: what is committed meanwhile is named by then.
        var found = root.Files(isHiddenLeftOut: true);
        DeltaSnapshot snapshot;
        try
        {
            snapshot = _log.Read(cancellationToken) ?? throw new DeltaException($"{root} is no Delta table; it has no log.");
        }
        catch (Exception e) when (e is DeltaException or DuckDbException)
        {
            return new CheckResult(null, 0, [new CheckFault("log", null, e.Message)]);
        }

        var faults = new List<CheckFault>();
        var files = LogFiles.List(_log.LogPath);
        faults.AddRange(Gaps(files));
        faults.AddRange(Checkpoints(files, cancellationToken));
        faults.AddRange(Data(snapshot, found, cancellationToken));
        var named = snapshot.Files.Keys.Concat(snapshot.Tombstones.Keys).ToHashSet();
        faults.AddRange(found.Where(f => !named.Contains(f.Name) && root.Stat(f.Name) is not null).Select(f => new CheckFault("orphan", f.Name, $"{f.Bytes} bytes that no version names; 'fstore lake vacuum' deletes it once it is old enough")));
        faults.AddRange(LakeFiles.Temporary(root).Where(f => f.Modified < _time.GetUtcNow() - TemporaryAge)
            .Select(f => new CheckFault("leftover", f.Name, "left by a broken run; 'fstore lake vacuum' deletes it")));
        return new CheckResult(snapshot.Version, snapshot.Files.Count, faults);
    }

    private static IEnumerable<CheckFault> Gaps(LogFiles files)
    {
        long? before = null;
        foreach (var version in files.Commits)
        {
            if (before is { } last && version != last + 1)
            {
                yield return new CheckFault("log", null, $"commits {last + 1} to {version - 1} are missing between those that are there");
            }

            before = version;
        }
    }

    /// <summary>Each checkpoint against the commits before it, as far as those are left.</summary>
    private IEnumerable<CheckFault> Checkpoints(LogFiles files, CancellationToken cancellationToken)
    {
        if (CheckpointWriter.NamedVersion(_log.LogPath) is { } named && !files.Checkpoints.ContainsKey(named))
        {
            yield return new CheckFault("hint", "_delta_log/_last_checkpoint", $"it names the checkpoint of version {named}, which is not there; some engines then fail to read the table");
        }

        long? before = null;
        foreach (var (version, parts) in files.Checkpoints)
        {
            var path = Path.Combine("_delta_log", parts[0]);
            var said = Try(() => _log.ReadFrom(files, version, version, cancellationToken));
            if (said.Fault is { } fault)
            {
                yield return new CheckFault("checkpoint", path, fault);
                continue;
            }

            // Commits before the first checkpoint may be cleaned away; then it has nothing to be compared with.
            if (before is not null || files.Commits.Contains(0))
            {
                var replayed = Try(() => _log.ReadFrom(files, before, version, cancellationToken));
                if (replayed.Snapshot is { } other && Difference(said.Snapshot!, other) is { } difference)
                {
                    yield return new CheckFault("checkpoint", path, $"it says other than the commits up to version {version}: {difference}");
                }
            }

            before = version;
        }
    }

    private static (DeltaSnapshot? Snapshot, string? Fault) Try(Func<DeltaSnapshot> read)
    {
        try
        {
            return (read(), null);
        }
        catch (Exception e) when (e is DeltaException or DuckDbException or IOException)
        {
            return (null, e.Message.Split('\n')[0]);
        }
    }

    private static string? Difference(DeltaSnapshot checkpoint, DeltaSnapshot replay)
    {
        foreach (var path in checkpoint.Files.Keys.Union(replay.Files.Keys).Order(StringComparer.Ordinal))
        {
            if (!checkpoint.Files.TryGetValue(path, out var kept) || !replay.Files.TryGetValue(path, out var file))
            {
                return $"{path} is live in one of them alone";
            }

            if (kept.Size != file.Size || !Same(kept.PartitionValues, file.PartitionValues) || !Same(kept.Tags, file.Tags))
            {
                return $"{path} has another size, partition or tags";
            }
        }

        return !Same(checkpoint.Txn, replay.Txn) ? "the applications' progress differs"
            : checkpoint.Metadata.SchemaString != replay.Metadata.SchemaString || !checkpoint.Metadata.PartitionColumns.SequenceEqual(replay.Metadata.PartitionColumns) ? "the columns differ"
            : !Same(checkpoint.Metadata.Configuration, replay.Metadata.Configuration) ? "the table's properties differ"
            : null;
    }

    private static bool Same<T>(IReadOnlyDictionary<string, T> one, IReadOnlyDictionary<string, T> other) =>
        one.Count == other.Count && one.All(p => other.TryGetValue(p.Key, out var value) && Equals(value, p.Value));

    private IEnumerable<CheckFault> Data(DeltaSnapshot snapshot, List<LakeObject> found, CancellationToken cancellationToken)
    {
        // One request tells the lengths of many objects.
        var listed = root.IsRemote ? found.ToDictionary(f => f.Name, f => f.Bytes) : [];
        var whole = new List<DeltaFile>();
        foreach (var file in snapshot.Files.Values)
        {
            var bytes = listed.TryGetValue(file.Path, out var length) ? length : root.Stat(file.Path)?.Bytes;
            if (bytes is null)
            {
                yield return new CheckFault("missing", file.Path, "the log names it and it is not there; restore it from a copy");
            }
            else if (bytes != file.Size)
            {
                yield return new CheckFault("size", file.Path, $"it has {bytes} bytes, by the log {file.Size}; restore it from a copy");
            }
            else
            {
                whole.Add(file);
            }
        }

        foreach (var some in whole.Chunk(FootersPerQuery))
        {
            // What is fetched stays for as long as the database is open.
            using var database = LakeDatabase.Open(options);
            using var connection = LakeDatabase.Connect(database, cancellationToken);
            foreach (var fault in Footers(connection, some, cancellationToken))
            {
                yield return fault;
            }
        }
    }

    private List<CheckFault> Footers(DuckDbConnection connection, IReadOnlyList<DeltaFile> files, CancellationToken cancellationToken)
    {
        try
        {
            var rows = FooterRows(connection, files, cancellationToken);
            return [.. files.Where(f => f.Records is { } said && rows[f.Path] != said)
                .Select(f => new CheckFault("rows", f.Path, $"its footer tells {rows[f.Path]} rows, its statistics {f.Records}"))];
        }
        catch (DuckDbException e) when (files.Count == 1)
        {
            return [new CheckFault("footer", files[0].Path, e.Message.Split('\n')[0])];
        }
        catch (DuckDbException)
        {
            // One of them; halves find it.
            var half = files.Count / 2;
            return [.. Footers(connection, [.. files.Take(half)], cancellationToken), .. Footers(connection, [.. files.Skip(half)], cancellationToken)];
        }
    }

    private Dictionary<string, long> FooterRows(DuckDbConnection connection, IReadOnlyList<DeltaFile> files, CancellationToken cancellationToken)
    {
        var rows = new Dictionary<string, long>();
        var list = string.Join(", ", root.LocalFiles([.. files.Select(f => f.Path)]).Select(LakeSql.Path));
        using var reader = connection.Query($"SELECT file_name, CAST(num_rows AS BIGINT) FROM parquet_file_metadata([{list}])", cancellationToken);
        while (reader.NextChunk())
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                rows[root.NameOf(reader.Text(0, r))] = reader.Int64(1, r);
            }
        }

        return rows;
    }
}
