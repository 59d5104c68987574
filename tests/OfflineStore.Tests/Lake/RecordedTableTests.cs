using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;

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
            return;
        }

        var newest = log.Read(CancellationToken.None)!;
        var versions = document.RootElement.GetProperty("versions").EnumerateArray().Where(v => v.TryGetProperty("liveFiles", out _)).ToList();
        Assert.Equal(versions[^1].GetProperty("version").GetInt64(), newest.Version);
        foreach (var version in versions)
        {
            SameState(version, log.Read(version.GetProperty("version").GetInt64(), CancellationToken.None)!);
        }

        if (!verdict.StartsWith("refuse", StringComparison.Ordinal))
        {
            CheckWritable(document.RootElement.GetProperty("writer2_verdict").GetString()!, newest);
        }

        CheckRows(versions[^1], newest, log.TableRoot, verdict);
    }

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

    // This writer checks no NOT NULL, so it also refuses tables that a fuller writer of version 2 could write.
    private static void CheckWritable(string verdict, DeltaSnapshot snapshot)
    {
        if (verdict.StartsWith("refuse", StringComparison.Ordinal) || DeltaSchema.HasConstraints(snapshot.Metadata.SchemaString))
        {
            Assert.Throws<DeltaException>(() => snapshot.EnsureWritable("table"));
        }
        else
        {
            snapshot.EnsureWritable("table");
        }
    }

    // Rows of tables without partitions whose columns are all of the lake's types; the others' columns are refused by name.
    private static void CheckRows(JsonElement expected, DeltaSnapshot snapshot, string root, string verdict)
    {
        IReadOnlyList<LakeColumn> columns;
        try
        {
            columns = DeltaSchema.Read(snapshot.Metadata.SchemaString, root);
        }
        catch (DeltaException e)
        {
            Assert.Contains("which the lake does not read", e.Message, StringComparison.Ordinal);
            return;
        }

        if (snapshot.Metadata.PartitionColumns.Count > 0)
        {
            return;
        }

        if (verdict.StartsWith("refuse when rows", StringComparison.Ordinal))
        {
            Assert.Contains(".parquet", Assert.Throws<DuckDbException>(() => Rows(snapshot, root, columns)).Message, StringComparison.Ordinal);
            return;
        }

        if (expected.TryGetProperty("rows", out var rows))
        {
            var wanted = rows.EnumerateArray().Select(r => string.Join('|', r.EnumerateArray().Select((cell, c) => Cell(cell, columns[c].Type))));
            Assert.Equal(wanted.Order(StringComparer.Ordinal), Rows(snapshot, root, columns).Order(StringComparer.Ordinal));
        }
    }

    private static string Cell(JsonElement cell, LakeType type) => cell.ValueKind == JsonValueKind.Null ? "null"
        : type == LakeType.Double ? (cell.ValueKind == JsonValueKind.String ? double.Parse(cell.GetString()!, CultureInfo.InvariantCulture) : cell.GetDouble()).ToString("R", CultureInfo.InvariantCulture)
        : cell.ValueKind == JsonValueKind.String ? cell.GetString()!
        : cell.GetRawText();

    private static List<string> Rows(DeltaSnapshot snapshot, string root, IReadOnlyList<LakeColumn> columns)
    {
        using var database = LakeDatabase.Open();
        using var connection = LakeDatabase.Connect(database, CancellationToken.None);
        using var reader = connection.Query($"SELECT {string.Join(", ", columns.Select(c => LakeSql.Name(c.Name)))} FROM {LakeSql.Files(root, snapshot.Files.Values, columns)}");
        var rows = new List<string>();
        while (reader.NextChunk())
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                var row = r;
                rows.Add(string.Join('|', columns.Select((c, i) => reader.IsNull(i, row) ? "null" : Text(reader, i, row, c.Type))));
            }
        }

        return rows;
    }

    private static string Text(DuckDbReader reader, int column, int row, LakeType type) => type switch
    {
        LakeType.String => reader.Text(column, row),
        LakeType.Int64 => reader.Int64(column, row).ToString(CultureInfo.InvariantCulture),
        LakeType.Int32 => reader.Int32(column, row).ToString(CultureInfo.InvariantCulture),
        LakeType.Double => reader.Double(column, row).ToString("R", CultureInfo.InvariantCulture),
        LakeType.Boolean => reader.Boolean(column, row) ? "true" : "false",
        LakeType.Timestamp => LakeSql.InstantText(reader.TimestampMicros(column, row)),
        _ => reader.Date(column, row).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
    };

    private DeltaLog Unpack(string name, out JsonDocument recorded)
    {
        using var packed = new GZipStream(File.OpenRead(Path.Combine(Golden, name + ".tar.gz")), CompressionMode.Decompress);
        TarFile.ExtractToDirectory(packed, _folder, overwriteFiles: false);
        recorded = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Golden, name + ".json")));
        return new DeltaLog(Path.Combine(_folder, name));
    }
}
