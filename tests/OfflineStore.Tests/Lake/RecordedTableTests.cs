using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Log;
using FeatureStore.OfflineStore.Lake.Tables;

namespace FeatureStore.OfflineStore.Tests.Lake;

/// <summary>Tables that Spark, delta-rs and Trino wrote: read as they were at every version, or refused. Golden/README.md tells of them.</summary>
public sealed class RecordedTableTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recorded").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string> Cases() =>
        [.. Directory.EnumerateFiles(Golden, "*.json").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal)];

    private static string Golden => Path.Combine(AppContext.BaseDirectory, "Golden", "Delta");

    [Theory]
    [MemberData(nameof(Cases))]
    public void Read_RecordedTable_GivesItsFilesAndRowsOrRefusesIt(string name)
    {
        var log = Unpack(name, out var recorded);
        using var document = recorded;
        var verdict = document.RootElement.GetProperty("reader1_verdict").GetString()!;
        if (verdict.StartsWith("refuse", StringComparison.Ordinal) && !verdict.StartsWith("refuse when rows", StringComparison.Ordinal))
        {
            var thrown = Assert.Throws<DeltaException>(() => log.Read(CancellationToken.None));
            Assert.Contains(log.TableRoot, thrown.Message, StringComparison.Ordinal);
            Assert.Contains(verdict.Split("reader feature ")[^1] is var named && named == verdict ? string.Empty : named, thrown.Message, StringComparison.Ordinal);
            ReadableVersions(document.RootElement, verdict).ForEach(v => SameRows(v, log.Read(v.GetProperty("version").GetInt64(), CancellationToken.None)!, log.TableRoot));
            return;
        }

        var newest = log.Read(CancellationToken.None)!;
        var versions = document.RootElement.GetProperty("versions").EnumerateArray().Where(v => v.TryGetProperty("liveFiles", out _)).ToList();
        Assert.Equal(versions[^1].GetProperty("version").GetInt64(), newest.Version);
        var refusesRows = verdict.StartsWith("refuse when rows", StringComparison.Ordinal);
        foreach (var version in versions)
        {
            var snapshot = log.Read(version.GetProperty("version").GetInt64(), CancellationToken.None)!;
            SameState(version, snapshot);
            if (!refusesRows)
            {
                SameRows(version, snapshot, log.TableRoot);
            }
        }

        if (refusesRows)
        {
            Assert.Contains(".parquet", Assert.Throws<DuckDbException>(() => Rows(newest, log.TableRoot)).Message, StringComparison.Ordinal);
            return;
        }

        FromCheckpointAlone(newest, log);
        CheckWritable(document.RootElement.GetProperty("writer2_verdict").GetString()!, newest, log);
    }

    // A table that must be refused may still be read as it was before it came to need what we do not know.
    private static List<JsonElement> ReadableVersions(JsonElement recorded, string verdict)
    {
        var readable = new List<JsonElement>();
        foreach (var version in recorded.GetProperty("versions").EnumerateArray())
        {
            if (verdict.Contains("damaged", StringComparison.Ordinal)
                || (version.TryGetProperty("protocol", out var protocol) && protocol.GetProperty("minReaderVersion").GetInt32() > 1))
            {
                break;
            }

            readable.Add(version);
        }

        return readable;
    }

    // What our checkpoint says is all that is left of the log.
    private static void FromCheckpointAlone(DeltaSnapshot newest, DeltaLog log)
    {
        var copy = Directory.CreateTempSubdirectory("checkpoint").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(copy, "_delta_log"));
            var read = new DeltaLog(copy);
            new CheckpointWriter(read.LogPath).Write(newest, long.MinValue, CancellationToken.None);
            var snapshot = read.Read(CancellationToken.None)!;
            Assert.Equal(State(newest), State(snapshot));
            Assert.Equal(Rows(newest, log.TableRoot).Order(StringComparer.Ordinal), Rows(newest with { Metadata = snapshot.Metadata, Files = snapshot.Files }, log.TableRoot).Order(StringComparer.Ordinal));
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    private static string State(DeltaSnapshot snapshot) => JsonSerializer.Serialize(new
    {
        snapshot.Version,
        snapshot.Protocol,
        snapshot.Metadata,
        Files = snapshot.Files.Values.OrderBy(f => f.Path, StringComparer.Ordinal),
        Txn = snapshot.Txn.OrderBy(t => t.Key, StringComparer.Ordinal),
        TxnMillis = snapshot.TxnMillis.OrderBy(t => t.Key, StringComparer.Ordinal),
        Tombstones = snapshot.Tombstones.Values.OrderBy(t => t.Path, StringComparer.Ordinal),
    });

    private static void SameState(JsonElement expected, DeltaSnapshot snapshot)
    {
        var files = expected.GetProperty("liveFiles").EnumerateArray().Select(f =>
            $"{Uri.UnescapeDataString(f.GetProperty("path").GetString()!)} {f.GetProperty("size")} {Pairs(f.GetProperty("partitionValues").EnumerateObject().Select(p => (p.Name, p.Value.GetString())))}");
        var actual = snapshot.Files.Values.Select(f => $"{f.Path} {f.Size} {Pairs(f.PartitionValues.Select(p => (p.Key, p.Value)))}");
        Assert.Equal(files.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));
        Assert.Equal(
            expected.GetProperty("txn").EnumerateObject().Select(t => $"{t.Name}={t.Value}").Order(StringComparer.Ordinal),
            snapshot.Txn.Select(t => $"{t.Key}={t.Value}").Order(StringComparer.Ordinal));
    }

    private static string Pairs(IEnumerable<(string Name, string? Value)> values) =>
        string.Join(',', values.OrderBy(v => v.Name, StringComparer.Ordinal).Select(v => $"{v.Name}={v.Value ?? "(null)"}"));

    private static void CheckWritable(string verdict, DeltaSnapshot snapshot, DeltaLog log)
    {
        using var database = LakeDatabase.Open();
        using var connection = LakeDatabase.Connect(database, CancellationToken.None);
        var scan = new TableScan(log.TableRoot, snapshot.Metadata);
        var columns = string.Join(", ", scan.Fields.Select(f => LakeSql.Name(f.Name)));

        // Values of text partitions that this writer does not write are left where they are.
        var plain = snapshot.Metadata.PartitionColumns.Where(p => scan.Fields.First(f => f.Name == p).Sql == "VARCHAR")
            .Select(p => $"coalesce(regexp_full_match({LakeSql.Name(p)}, '[ -~]+'), true)").Append("true");
        connection.Execute($"CREATE TEMP TABLE again AS SELECT {columns} FROM {scan.Sql(snapshot.Files.Values)} WHERE {string.Join(" AND ", plain)}");
        var table = new LakeTable(log.TableRoot);
        if (verdict.StartsWith("refuse", StringComparison.Ordinal))
        {
            var thrown = Assert.Throws<DeltaException>(() => table.Append(connection, "again", CancellationToken.None));
            Assert.All(verdict.Split("writer feature ")[^1].Split(", ").Where(_ => verdict.Contains("feature ", StringComparison.Ordinal) && !verdict.Contains('(')), f => Assert.Contains(f, thrown.Message, StringComparison.Ordinal));
            return;
        }

        var before = Rows(snapshot, log.TableRoot);
        var added = RowJson.Rows(connection, "again", CancellationToken.None).Select(CanonicalJson.Row);
        Assert.Equal(snapshot.Version + 1, table.Append(connection, "again", CancellationToken.None));
        var after = log.Read(CancellationToken.None)!;
        Assert.Equal(before.Concat(added).Order(StringComparer.Ordinal), Rows(after, log.TableRoot).Order(StringComparer.Ordinal));
        Assert.All(after.Files.Values.Where(f => !snapshot.Files.ContainsKey(f.Path)), f => Assert.Equal(new FileInfo(Path.Combine(log.TableRoot, f.Path)).Length, f.Size));
        foreach (var field in scan.Fields.Where(f => !f.IsNullable))
        {
            var nulled = string.Join(", ", scan.Fields.Select(f => f == field ? $"CAST(NULL AS {f.Sql}) AS {LakeSql.Name(f.Name)}" : LakeSql.Name(f.Name)));
            var thrown = Assert.Throws<DeltaException>(() => table.Append(connection, $"(SELECT {nulled} FROM again)", CancellationToken.None));
            Assert.Contains($"{field.Name} is NOT NULL", thrown.Message, StringComparison.Ordinal);
        }
    }

    private static void SameRows(JsonElement expected, DeltaSnapshot snapshot, string root)
    {
        if (expected.TryGetProperty("rows", out var rows))
        {
            var wanted = rows.EnumerateArray().Select(r => CanonicalJson.Row(r.EnumerateArray()));
            Assert.Equal(wanted.Order(StringComparer.Ordinal), Rows(snapshot, root).Order(StringComparer.Ordinal));
        }
    }

    private static List<string> Rows(DeltaSnapshot snapshot, string root)
    {
        using var database = LakeDatabase.Open();
        using var connection = LakeDatabase.Connect(database, CancellationToken.None);
        return [.. RowJson.Rows(connection, new TableScan(root, snapshot.Metadata).Sql(snapshot.Files.Values), CancellationToken.None).Select(CanonicalJson.Row)];
    }

    private DeltaLog Unpack(string name, out JsonDocument recorded)
    {
        using var packed = new GZipStream(File.OpenRead(Path.Combine(Golden, name + ".tar.gz")), CompressionMode.Decompress);
        TarFile.ExtractToDirectory(packed, _folder, overwriteFiles: false);
        recorded = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Golden, name + ".json")));
        return new DeltaLog(Path.Combine(_folder, name));
    }
}
