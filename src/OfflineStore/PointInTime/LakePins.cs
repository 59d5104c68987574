using System.Security.Cryptography;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.OfflineStore.Lake.Tables;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>A table as one export sees it: the files of one version, whatever arrives meanwhile.</summary>
/// <param name="Path">As the definition names it.</param>
/// <param name="Root">The table's place, or the file itself.</param>
/// <param name="Snapshot">The version; null for plain Parquet, which has none.</param>
/// <param name="Files">Paths of this machine in the order of their rows.</param>
internal sealed record PinnedTable(string Path, LakePlace Root, DeltaSnapshot? Snapshot, IReadOnlyList<string> Files)
{
    /// <summary>The columns that the log tells, without those of the partition; none for plain Parquet.</summary>
    public IReadOnlyList<LakeColumn> Columns { get; } = Snapshot is null
        ? []
        : ChangeColumns.Read(Snapshot, Root.Address);

    public bool IsChangeTable => Snapshot is not null && ChangeColumns.IsChangeTable(Columns);
}

/// <summary>A file of plain Parquet as a data set read it.</summary>
public sealed record SourceFile(string Path, long Bytes, string Sha256);

/// <summary>What a data set read of a table: a version, or the files of plain Parquet.</summary>
public sealed record TableVersion(string Path, long? Version, int FileCount, IReadOnlyList<SourceFile>? Files);

/// <summary>Fixes the version of every table that an export reads. Several threads may ask.</summary>
internal sealed class LakePins(LakePlace lake, IReadOnlyDictionary<string, long> atVersions)
{
    private readonly Dictionary<string, PinnedTable> _tables = [];
    private readonly Dictionary<string, Task<IReadOnlyList<SourceFile>>> _hashes = [];
    private readonly Lock _gate = new();

    /// <summary>The table of a view's rows.</summary>
    /// <exception cref="DeltaException">There is none, or not at that version.</exception>
    public PinnedTable Pin(string path, string view, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return _tables.TryGetValue(path, out var pinned) ? pinned : _tables[path] = Read(path, view, cancellationToken);
        }
    }

    /// <summary>What was read, in the order of the paths.</summary>
    public IReadOnlyList<TableVersion> Versions() =>
    [
        .. _tables.Values.OrderBy(t => t.Path, StringComparer.Ordinal).Select(t =>
            new TableVersion(t.Path, t.Snapshot?.Version, t.Files.Count, _hashes.GetValueOrDefault(t.Path)?.GetAwaiter().GetResult())),
    ];

    /// <summary>Tables with a log anywhere below the lake, by path.</summary>
    public IEnumerable<PinnedTable> All(CancellationToken cancellationToken) =>
        lake.TablePaths().Select(path => path.Replace('\\', '/')).Order(StringComparer.Ordinal).Select(path => Pin(path, path, cancellationToken));

    private PinnedTable Read(string path, string view, CancellationToken cancellationToken)
    {
        var root = lake.Below(path);
        var snapshot = new DeltaLog(root).Read(atVersions.TryGetValue(path, out var version) ? version : null, cancellationToken);
        if (snapshot is null && atVersions.ContainsKey(path))
        {
            throw new DeltaException($"{root} has no log, so no version {version} of it can be read; leave it out of --at-version.");
        }

        var pinned = new PinnedTable(path, root, snapshot, snapshot is null ? PlainParquet.Files(root, view) : Living(root, snapshot));
        if (snapshot is null)
        {
            // Nothing waits for it until all is written.
            _hashes[path] = Task.Run<IReadOnlyList<SourceFile>>(() => [.. pinned.Files.Select(f => Hash(pinned.Root, f))], cancellationToken);
        }

        return pinned;
    }

    // A later commit may have taken files out for good, as a feature table does with rows that are no longer true.
    private static IReadOnlyList<string> Living(LakePlace root, DeltaSnapshot snapshot)
    {
        if (snapshot.Vanished(root) is { } gone)
        {
            throw gone;
        }

        return root.LocalFiles([.. snapshot.Files.Keys.Order(StringComparer.Ordinal)]);
    }

    private static SourceFile Hash(LakePlace root, string path)
    {
        using var file = File.OpenRead(path);
        return new SourceFile(root.NameOf(path) is var name && name == "." ? Path.GetFileName(path) : name.Replace('\\', '/'), file.Length, Convert.ToHexStringLower(SHA256.HashData(file)));
    }
}
