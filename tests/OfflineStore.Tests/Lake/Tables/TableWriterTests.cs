using System.Text.Json;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Tables;

namespace FeatureStore.OfflineStore.Tests.Lake.Tables;

public sealed class TableWriterTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("writer").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("string", "SELECT unnest(['b', 'a', NULL])", "\"a\"", "\"b\"", 1)]
    [InlineData("string", "SELECT repeat('x', 40) || 'tail'", "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"", "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\u007f\"", 0)]
    [InlineData("string", "SELECT repeat('é', 40)", "\"éééééééééééééééééééééééééééééééé\"", "\"éééééééééééééééééééééééééééééééé\U0010ffff\"", 0)]
    [InlineData("string", "SELECT repeat('x', 32)", "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"", "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"", 0)]
    [InlineData("long", "SELECT unnest([-9223372036854775808, 9223372036854775807])", "-9223372036854775808", "9223372036854775807", 0)]
    [InlineData("byte", "SELECT unnest([-1, NULL, NULL])", "-1", "-1", 2)]
    [InlineData("double", "SELECT unnest([0.1, 1e300])", "0.1", "1e300", 0)]
    [InlineData("double", "SELECT unnest([1.0, CAST('NaN' AS DOUBLE)])", null, null, 0)]
    [InlineData("float", "SELECT unnest([1.5, CAST('-Infinity' AS FLOAT)])", null, null, 0)]
    [InlineData("decimal(38,2)", "SELECT CAST('123456789012345678901234567890123456.78' AS DECIMAL(38,2))", "123456789012345678901234567890123456.78", "123456789012345678901234567890123456.78", 0)]
    [InlineData("date", "SELECT unnest([DATE '1582-10-14', DATE '9999-12-31'])", "\"1582-10-14\"", "\"9999-12-31\"", 0)]
    [InlineData("date", "SELECT DATE '10000-01-01'", null, null, 0)]
    [InlineData("timestamp", "SELECT unnest([TIMESTAMPTZ '0001-01-01 00:00:00Z', TIMESTAMPTZ '2024-02-29 12:34:56.789012Z'])", "\"0001-01-01T00:00:00.000000Z\"", "\"2024-02-29T12:34:56.789012Z\"", 0)]
    [InlineData("timestamp", "SELECT CAST('infinity' AS TIMESTAMPTZ)", null, null, 0)]
    [InlineData("boolean", "SELECT unnest([true, NULL])", null, null, 1)]
    [InlineData("binary", "SELECT encode('a')", null, null, 0)]
    [InlineData("string", "SELECT CAST(NULL AS VARCHAR)", null, null, 1)]
    public void Write_EachType_GivesItsStatistics(string type, string rows, string? least, string? greatest, int nulls)
    {
        var file = Assert.Single(Write(Metadata(Field("v", type)), $"(SELECT v FROM ({rows}) t(v))"));

        using var stats = JsonDocument.Parse(file.Stats!);
        Assert.Equal(least, Bound(stats, "minValues"));
        Assert.Equal(greatest, Bound(stats, "maxValues"));
        Assert.Equal(nulls, stats.RootElement.GetProperty("nullCount").GetProperty("v").GetInt32());
        Assert.Equal(file.Size, new FileInfo(Path.Combine(_root, file.Path)).Length);
    }

    [Fact]
    public void Write_StatisticsOfSomeColumns_AreTheTablesChoice()
    {
        const string Rows = "(SELECT 1 AS a, 2 AS b, 3 AS c)";
        string[] fields = [Field("a", "integer"), Field("b", "integer"), Field("c", "integer")];
        var named = Write(Metadata(fields) with { Configuration = new Dictionary<string, string> { ["delta.dataSkippingStatsColumns"] = "c, `a`" } }, Rows);
        var first = Write(Metadata(fields) with { Configuration = new Dictionary<string, string> { ["delta.dataSkippingNumIndexedCols"] = "1" } }, Rows);

        Assert.Equal("""{"numRecords":1,"minValues":{"a":1,"c":3},"maxValues":{"a":1,"c":3},"nullCount":{"a":0,"c":0}}""", Assert.Single(named).Stats);
        Assert.Equal("""{"numRecords":1,"minValues":{"a":1},"maxValues":{"a":1},"nullCount":{"a":0}}""", Assert.Single(first).Stats);
    }

    [Fact]
    public void Write_PartitionsOfOddValues_LieInFoldersThatAnyReaderFinds()
    {
        var metadata = Metadata(Field("v", "integer"), Field("p q", "string"), Field("d", "decimal(5,2)")) with { PartitionColumns = ["p q", "d"] };
        var files = Write(metadata, "(SELECT 1 AS v, unnest(['a/b', '100%', 'k=v', '..', 'it''s', NULL, '[*?]', '__HIVE_DEFAULT_PARTITION__']) AS \"p q\", CAST(1.5 AS DECIMAL(5,2)) AS d)");

        Assert.Equal(8, files.Count);
        Assert.All(files, f => Assert.Equal("1.50", f.PartitionValues["d"]));
        Assert.Contains(files, f => f.Path.StartsWith("p%20q=a%2Fb/d=1.50/part-", StringComparison.Ordinal));
        using var database = LakeDatabase.Open();
        using var connection = LakeDatabase.Connect(database, CancellationToken.None);
        var rows = RowJson.Rows(connection, new TableScan(_root, metadata).Sql(files), CancellationToken.None).ToList();
        Assert.Equal(files.Select(f => $$"""{"v":1,"p q":{{JsonSerializer.Serialize(f.PartitionValues["p q"], Relaxed)}},"d":"1.50"}""").Order(StringComparer.Ordinal), rows.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Write_VoidColumn_IsInNoFileAndReadsAsNull()
    {
        var metadata = Metadata(Field("v", "integer"), Field("nothing", "void"));
        var file = Assert.Single(Write(metadata, "(SELECT 1 AS v, NULL AS nothing)"));

        Assert.Equal("""{"numRecords":1,"minValues":{"v":1},"maxValues":{"v":1},"nullCount":{"v":0}}""", file.Stats);
        using var database = LakeDatabase.Open();
        using var connection = LakeDatabase.Connect(database, CancellationToken.None);
        using var columns = connection.Query($"SELECT name FROM parquet_schema({LakeSql.Path(Path.Combine(_root, file.Path))}) WHERE num_children IS NULL", CancellationToken.None);
        Assert.True(columns.NextChunk());
        Assert.Equal("v", columns.Text(0, 0));
        Assert.Equal(1, columns.RowCount);
        Assert.Equal("""{"v":1,"nothing":null}""", Assert.Single(RowJson.Rows(connection, new TableScan(_root, metadata).Sql([file]), CancellationToken.None)));

        Assert.Contains("void", Assert.Throws<DeltaException>(() => Write(metadata, "(SELECT 1 AS v, 'x' AS nothing)")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("''")]
    [InlineData("'é'")]
    [InlineData("chr(9)")]
    public void Write_PartitionValueThatEnginesReadDifferently_IsRefusedAndLeavesNothing(string value)
    {
        var metadata = Metadata(Field("v", "integer"), Field("p", "string")) with { PartitionColumns = ["p"] };
        Assert.Contains("partition column p", Assert.Throws<DeltaException>(() => Write(metadata, $"(SELECT 1 AS v, {value} AS p)")).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_root, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Write_ColumnsNamedLikeTheWritersOwn_AreWritten()
    {
        var metadata = Metadata(Field("write_group", "integer"), Field("write_key0", "integer"), Field("key0", "integer"), Field("rows", "string")) with { PartitionColumns = ["key0"] };
        var files = Write(metadata, "(SELECT 1 AS write_group, 2 AS write_key0, i AS key0, 'x' AS \"rows\" FROM range(3) t(i))");
        Assert.Equal(["0", "1", "2"], files.Select(f => f.PartitionValues["key0"]!).Order(StringComparer.Ordinal));
    }

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private IReadOnlyList<DeltaFile> Write(DeltaMetadata metadata, string rows)
    {
        using var database = LakeDatabase.Open();
        using var connection = LakeDatabase.Connect(database, CancellationToken.None);
        return new TableWriter(_root, metadata).Write(connection, rows, null, string.Empty, CancellationToken.None);
    }

    private static string? Bound(JsonDocument stats, string bounds) =>
        stats.RootElement.GetProperty(bounds).TryGetProperty("v", out var value) ? value.GetRawText() : null;

    private static string Field(string name, string type) => $$$"""{"name":"{{{name}}}","type":"{{{type}}}","nullable":true,"metadata":{}}""";

    private static DeltaMetadata Metadata(params string[] fields) =>
        new("i", """{"type":"struct","fields":[""" + string.Join(',', fields) + "]}", [], new Dictionary<string, string>());
}
