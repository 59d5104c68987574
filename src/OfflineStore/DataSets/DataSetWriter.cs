using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.PointInTime;

namespace FeatureStore.OfflineStore.DataSets;

/// <summary>
/// Writes a data set: first parts, each ordered, in a folder of its own; then the file or folder that was asked for, which appears whole; last the
/// manifest. A data set without a manifest is one whose writing was broken off.
/// </summary>
internal sealed class DataSetWriter : IDisposable
{
    /// <summary>Rows of a row group.</summary>
    public const int RowGroup = 122_880;

    private const int PartitionsMax = 10_000;
    private const string PartitionColumn = "event_date";

    // Snappy costs half of what ZSTD does, and training reads a data set many times. Larger dictionaries cost time and save next to nothing.
    private static readonly string Parquet = string.Create(CultureInfo.InvariantCulture, $"FORMAT PARQUET, COMPRESSION SNAPPY, ROW_GROUP_SIZE {RowGroup}, DICTIONARY_SIZE_LIMIT 4096");
    private readonly DuckDbConnection _connection;
    private readonly DataSetTarget _target;
    private readonly string _workshop;
    private readonly List<string> _parts = [];
    private Task<(long Bytes, string Sha256)>? _hash;

    public DataSetWriter(DuckDbConnection connection, DataSetTarget target)
    {
        (_connection, _target, _workshop) = (connection, target, target.Workshop);
        if (target.Format == DataSetFormat.Folder ? File.Exists(target.Path) : Directory.Exists(target.Path))
        {
            throw new LabelException($"{target.Path} is {(Directory.Exists(target.Path) ? "a folder" : "a file")}; name another --output.");
        }

        if (target.Format == DataSetFormat.Folder && Directory.Exists(target.Path) && !File.Exists(target.ManifestPath) && Directory.EnumerateFileSystemEntries(target.Path).Any())
        {
            throw new LabelException($"{target.Path} holds files that are no data set; name another folder with --output, or empty this one.");
        }

        if (Above(target.Path).FirstOrDefault(File.Exists) is { } file)
        {
            throw new LabelException($"{target.Path} cannot be written, since {file} is a file; name another --output.");
        }

        Directory.CreateDirectory(_workshop);
    }

    /// <summary>The parts in the order of their rows.</summary>
    public IReadOnlyList<string> Parts => _parts;

    /// <summary>Writes the next rows.</summary>
    /// <param name="select">A query that says its order.</param>
    public void Add(string select, CancellationToken cancellationToken)
    {
        var path = Path.Combine(_workshop, string.Create(CultureInfo.InvariantCulture, $"part-{_parts.Count:D5}.parquet"));
        Copy(select, path, Parquet, cancellationToken);
        _parts.Add(path);
    }

    /// <summary>Writes every part anew with some columns changed; the rows keep their order.</summary>
    /// <param name="replaced">As <c>expression AS column</c>.</param>
    public void Replace(IReadOnlyList<string> replaced, CancellationToken cancellationToken)
    {
        foreach (var part in _parts)
        {
            Copy($"SELECT * REPLACE ({string.Join(", ", replaced)}) FROM {Read([part])}", part + ".new", Parquet, cancellationToken);
            File.Move(part + ".new", part, overwrite: true);
        }
    }

    /// <summary>Begins to bring the data to disk and to hash it, if the one part that was written is the data; it may only be read from here on.</summary>
    public void BeginHash()
    {
        if (_parts is [var only] && _target.Format == DataSetFormat.Parquet)
        {
            _hash = Task.Run(() => (Flushed(only), Hash(only)));
        }
    }

    /// <summary>Puts the data in its place. From here on to <see cref="Seal"/> there is no manifest.</summary>
    public IReadOnlyList<DataSetFile> Publish(string timeColumn, CancellationToken cancellationToken)
    {
        var whole = Path.Combine(_workshop, "whole");
        var hashed = _hash?.GetAwaiter().GetResult();
        switch (_target.Format)
        {
            case DataSetFormat.Parquet when _parts.Count == 1:
                File.Move(_parts[0], whole);
                break;
            case DataSetFormat.Parquet:
                Copy($"SELECT * FROM {Read(_parts)}", whole, Parquet, cancellationToken);
                break;
            case DataSetFormat.Csv:
                Copy($"SELECT * FROM {Read(_parts)}", whole, "FORMAT CSV, HEADER true, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%fZ'", cancellationToken);
                break;
            default:
                Directory.CreateDirectory(whole);
                Partition(whole, timeColumn, cancellationToken);
                break;
        }

        var files = Files(whole, hashed, cancellationToken);
        if (File.Exists(_target.ManifestPath))
        {
            File.Delete(_target.ManifestPath);
        }

        if (_target.Format == DataSetFormat.Folder)
        {
            if (Directory.Exists(_target.Path))
            {
                Directory.Move(_target.Path, Path.Combine(_workshop, "old"));
            }

            Directory.Move(whole, _target.Path);
        }
        else
        {
            File.Move(whole, _target.Path, overwrite: true);
        }

        DurableFolder.Flush(Path.GetDirectoryName(_target.Path)!);
        return files;
    }

    /// <summary>Writes the manifest, which makes the data set whole.</summary>
    public void Seal(DataSetManifest manifest)
    {
        var temporary = Path.Combine(_workshop, "manifest");
        using (var stream = new FileStream(temporary, FileMode.Create))
        {
            stream.Write(Encoding.UTF8.GetBytes(manifest.ToJson()));
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, _target.ManifestPath, overwrite: true);
        DurableFolder.Flush(Path.GetDirectoryName(_target.ManifestPath)!);
    }

    /// <summary>The hash of the whole data: a file's own, or that of the hashes of a folder's files.</summary>
    public static string Sha256(IReadOnlyList<DataSetFile> files) => files.Count == 1
        ? files[0].Sha256
        : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(files.Select(f => $"{f.Sha256} {f.Path}\n")))));

    public static string Hash(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    public void Dispose()
    {
        _hash?.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).Wait();
        Directory.Delete(_workshop, recursive: true);
    }

    private static IEnumerable<string> Above(string path)
    {
        for (var folder = Path.GetDirectoryName(path); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            yield return folder;
        }
    }

    private static string Read(IEnumerable<string> parts) => $"read_parquet([{string.Join(", ", parts.Select(LakeSql.Text))}], hive_partitioning = false)";

    private void Partition(string folder, string timeColumn, CancellationToken cancellationToken)
    {
        // The time is UTC, and so is its day.
        var day = $"CAST(timezone('UTC', {LakeSql.Name(timeColumn)}) AS DATE)";
        var days = _connection.Texts($"SELECT DISTINCT {day} AS day FROM {Read(_parts)} ORDER BY day", cancellationToken).Select(r => r[0]!).ToList();
        if (days.Count > PartitionsMax)
        {
            throw new LabelException($"The labels lie on {days.Count} days, and a folder takes {PartitionsMax}; write one file instead.");
        }

        foreach (var date in days)
        {
            var partition = Directory.CreateDirectory(Path.Combine(folder, $"{PartitionColumn}={date}")).FullName;
            Copy($"SELECT * FROM {Read(_parts)} WHERE {day} = DATE {LakeSql.Text(date)}", Path.Combine(partition, "part-00000.parquet"), Parquet, cancellationToken);
        }
    }

    private List<DataSetFile> Files(string whole, (long Bytes, string Sha256)? hashed, CancellationToken cancellationToken)
    {
        if (_target.Format != DataSetFormat.Folder)
        {
            var rows = Rows(_target.Format == DataSetFormat.Csv ? _parts : [whole], cancellationToken);
            var (bytes, sha256) = hashed ?? (Flushed(whole), Hash(whole));
            return [new DataSetFile(Path.GetFileName(_target.Path), rows, bytes, sha256)];
        }

        return
        [
            .. Directory.EnumerateFiles(whole, "*.parquet", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(f => new DataSetFile(
                Path.GetRelativePath(whole, f).Replace('\\', '/'), Rows([f], cancellationToken), Flushed(f), Hash(f))),
        ];
    }

    private long Rows(IReadOnlyList<string> parts, CancellationToken cancellationToken) =>
        _connection.Number($"SELECT CAST(sum(num_rows) AS BIGINT) FROM parquet_file_metadata([{string.Join(", ", parts.Select(LakeSql.Text))}])", cancellationToken);

    /// <summary>Brings a file's bytes to disk, and counts them.</summary>
    private static long Flushed(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        stream.Flush(flushToDisk: true);
        return stream.Length;
    }

    private void Copy(string select, string path, string format, CancellationToken cancellationToken) =>
        _connection.Execute($"COPY ({select}) TO {LakeSql.Text(path)} ({format})", cancellationToken);
}
