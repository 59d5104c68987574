using System.Text.Json;
using FeatureStore.OfflineStore.Lake.Log;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>Replays commits in order; the last action on a file, an application or the metadata wins.</summary>
internal sealed class DeltaReplay(string table)
{
    private static readonly Dictionary<string, string> NoTags = [];

    // A name that stands twice has two values, and readers would differ in which they take.
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };
    private readonly Dictionary<string, DeltaFile> _files = [];
    private readonly Dictionary<string, DeltaTombstone> _tombstones = [];
    private readonly Dictionary<string, long> _txn = [];
    private readonly Dictionary<string, long> _txnMillis = [];
    private DeltaProtocol? _protocol;
    private DeltaMetadata? _metadata;

    /// <summary>Files that are live after what was applied.</summary>
    public IReadOnlyCollection<DeltaFile> Added => _files.Values;

    /// <summary>How many files are live no more.</summary>
    public int RemovedCount => _tombstones.Count;

    /// <summary>Every path that was added or removed.</summary>
    public IEnumerable<string> Named => _files.Keys.Concat(_tombstones.Keys);

    /// <summary>Progress that was stored.</summary>
    public IReadOnlyDictionary<string, long> Txn => _txn;

    /// <summary>Goes on from a state that was replayed before.</summary>
    public static DeltaReplay From(string table, DeltaSnapshot snapshot)
    {
        var replay = new DeltaReplay(table) { _protocol = snapshot.Protocol, _metadata = snapshot.Metadata };
        Copy(snapshot.Files, replay._files);
        Copy(snapshot.Tombstones, replay._tombstones);
        Copy(snapshot.Txn, replay._txn);
        Copy(snapshot.TxnMillis, replay._txnMillis);
        return replay;
    }

    /// <summary>Applies one commit; a damaged line is named by file and number.</summary>
    public void Apply(LakePlace log, string commit)
    {
        var number = 0;
        foreach (var line in log.Lines(commit))
        {
            number++;
            if (line.Length == 0)
            {
                continue; // Some writers end a commit with a blank line.
            }

            ApplyLine(line, commit, number);
        }
    }

    /// <summary>Applies a checkpoint, which holds the actions of a commit as rows; one column is set in each.</summary>
    /// <exception cref="FeatureStore.DuckDb.DuckDbException">A part of it cannot be read as Parquet.</exception>
    public void ApplyCheckpoint(LakePlace log, IReadOnlyList<string> parts, CancellationToken cancellationToken)
    {
        using var reader = new CheckpointReader(cancellationToken);
        foreach (var (part, path) in parts.Zip(log.LocalFiles(parts)))
        {
            foreach (var (row, json) in reader.Others(path, cancellationToken))
            {
                ApplyLine(json, part, row);
            }

            foreach (var file in reader.Files(path, cancellationToken))
            {
                var decoded = DecodePath(file.Path);
                _files[decoded] = file with { Path = decoded };
            }
        }
    }

    /// <summary>The state after the applied commits, if this reader may read it.</summary>
    public DeltaSnapshot Finish(long version)
    {
        if (_protocol is not { } protocol || _metadata is not { } metadata)
        {
            throw new DeltaException($"{table}: the log up to version {version} has no protocol or no metaData action; it is not a whole Delta log.");
        }

        if (protocol.ReaderVersion > 1 && !(protocol.ReaderVersion == 3 && protocol.ReaderFeatures is { Count: 0 }))
        {
            var features = protocol.ReaderFeatures is { } f ? string.Join(", ", f) : "none listed";
            throw new DeltaException(
                $"{table} needs reader version {protocol.ReaderVersion} (features: {features}); this reader knows version 1. Rewrite the table without them.");
        }

        return new DeltaSnapshot(version, protocol, metadata, _files, _txn) { TxnMillis = _txnMillis, Tombstones = _tombstones };
    }

    private static void Copy<T>(IReadOnlyDictionary<string, T> from, Dictionary<string, T> to)
    {
        foreach (var (name, value) in from)
        {
            to[name] = value;
        }
    }

    private void ApplyLine(string line, string fileName, int number)
    {
        try
        {
            using var document = JsonDocument.Parse(line, Strict);
            Apply(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new DeltaException(
                $"{table}: {fileName} line {number} is damaged ({e.Message}). Restore the file from a copy; nothing after it can be trusted.", e);
        }
    }

    private void Apply(JsonElement action)
    {
        foreach (var member in action.EnumerateObject().Where(m => m.Value.ValueKind != JsonValueKind.Null))
        {
            var body = member.Value;
            switch (member.Name)
            {
                case "add":
                    var file = ReadFile(body);
                    _files[file.Path] = file;
                    _tombstones.Remove(file.Path);
                    break;
                case "remove":
                    var path = DecodePath(body.GetProperty("path").GetString()!);
                    _files.Remove(path);
                    _tombstones[path] = new DeltaTombstone(
                        path, Number(body, "deletionTimestamp"), !(body.TryGetProperty("dataChange", out var change) && change.ValueKind == JsonValueKind.False));
                    break;
                case "txn":
                    ReadTxn(body);
                    break;
                case "protocol":
                    _protocol = new DeltaProtocol(
                        body.GetProperty("minReaderVersion").GetInt32(),
                        body.GetProperty("minWriterVersion").GetInt32(),
                        Texts(body, "readerFeatures"),
                        Texts(body, "writerFeatures"));
                    break;
                case "metaData":
                    _metadata = new DeltaMetadata(
                        body.GetProperty("id").GetString()!,
                        body.GetProperty("schemaString").GetString()!,
                        Texts(body, "partitionColumns") ?? [],
                        Map(body, "configuration"))
                    {
                        Name = Text(body, "name"),
                        Description = Text(body, "description"),
                        CreatedMillis = Number(body, "createdTime"),
                    };
                    break;
                default:
                    break; // commitInfo and whatever comes later carry no state that version 1 needs.
            }
        }
    }

    private void ReadTxn(JsonElement body)
    {
        var appId = body.GetProperty("appId").GetString()!;
        _txn[appId] = body.GetProperty("version").GetInt64();
        _txnMillis.Remove(appId);
        if (Number(body, "lastUpdated") is { } millis)
        {
            _txnMillis[appId] = millis;
        }
    }

    private DeltaFile ReadFile(JsonElement body)
    {
        var partitions = new Dictionary<string, string?>();
        foreach (var value in body.GetProperty("partitionValues").EnumerateObject())
        {
            partitions[value.Name] = value.Value.GetString();
        }

        return new DeltaFile(
            DecodePath(body.GetProperty("path").GetString()!),
            partitions,
            body.GetProperty("size").GetInt64(),
            Number(body, "modificationTime") ?? 0,
            Text(body, "stats"),
            Map(body, "tags"));
    }

    private string DecodePath(string encoded)
    {
        var path = Uri.UnescapeDataString(encoded);
        if (path.StartsWith('/') || path.Contains("://", StringComparison.Ordinal) || path.Split('/').Contains(".."))
        {
            throw new DeltaException($"{table}: data file {path} lies outside the table's folder; this reader takes relative paths only.");
        }

        return path;
    }

    private static long? Number(JsonElement body, string name) =>
        body.TryGetProperty(name, out var number) && number.ValueKind == JsonValueKind.Number && number.TryGetInt64(out var value) ? value : null;

    private static string? Text(JsonElement body, string name) =>
        body.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;

    private static List<string>? Texts(JsonElement body, string name) =>
        body.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(e => e.GetString()!)]
            : null;

    private static Dictionary<string, string> Map(JsonElement body, string name)
    {
        if (!body.TryGetProperty(name, out var map) || map.ValueKind != JsonValueKind.Object)
        {
            return NoTags;
        }

        return map.EnumerateObject().Where(p => p.Value.ValueKind == JsonValueKind.String)
            .ToDictionary(p => p.Name, p => p.Value.GetString()!);
    }
}
