using System.Text.Json;
using System.Text.RegularExpressions;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Tables;

namespace FeatureStore.OfflineStore.Tests.Lake.Tables;

/// <summary>Parquet files of other writers, and damaged ones: read to their rows, or refused with an error and nothing worse.</summary>
public sealed partial class ParquetFileTests
{
    private static readonly JsonDocument Expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Golden, "expected.json")));

    private static string Golden => Path.Combine(AppContext.BaseDirectory, "Golden", "Parquet");

    public static TheoryData<string> Cases() => [.. Expected.RootElement.EnumerateObject().Select(c => c.Name).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Read_RecordedFile_GivesItsRowsOrAnError(string name)
    {
        var recorded = Expected.RootElement.GetProperty(name);
        var must = recorded.GetProperty("must").GetString()!;
        if (must == "fail")
        {
            Assert.NotEmpty(Assert.Throws<DuckDbException>(() => Rows(recorded)).Message);
        }
        else if (must == "read")
        {
            Read(recorded);
        }
        else
        {
            // A rule that leaves the answer open: rows or an error, but the process lives on and keeps to its bounds.
            Assert.True(Record.Exception(() => Rows(recorded)) is null or DuckDbException);
        }
    }

    private static void Read(JsonElement recorded)
    {
        var ancient = recorded.GetProperty("description").GetString()!.Contains("Julian calendar", StringComparison.Ordinal);
        var framed = recorded.GetProperty("compression").EnumerateArray().Any(c => c.GetString() == "UNKNOWN");
        if (ancient)
        {
            Assert.Contains("Julian", Assert.Throws<DeltaException>(() => Rows(recorded)).Message, StringComparison.Ordinal);
        }
        else if (framed)
        {
            // Hadoop's own framing of LZ4 is a codec that the engine lacks; it says so.
            Assert.Contains("codec \"LZ4\"", Assert.Throws<DuckDbException>(() => Rows(recorded)).Message, StringComparison.Ordinal);
        }
        else
        {
            var int96 = recorded.GetProperty("leaf_columns").EnumerateArray().Any(c => c.GetProperty("physical").GetString() == "INT96");
            var expected = recorded.GetProperty("rows").EnumerateArray().Select(r => CanonicalJson.Row(r.EnumerateArray()));
            Assert.Equal(expected.Select(Plain), Rows(recorded).Select(Plain));
            string Plain(string row) => Instants().Replace(row, int96 ? "$1" : "$1$3");
        }
    }

    // The lake's instants are microseconds, so further digits are cut. INT96 says no zone: some readers show an instant, some local time.
    [GeneratedRegex(@"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})(\d{3})?(Z?)")]
    private static partial Regex Instants();

    private static List<string> Rows(JsonElement recorded)
    {
        using var database = LakeDatabase.Open();
        using var connection = LakeDatabase.Connect(database, CancellationToken.None);
        var path = Path.Combine(Golden, recorded.GetProperty("file").GetString()!);
        return [.. RowJson.Rows(connection, PlainParquet.From(connection, [path], CancellationToken.None), CancellationToken.None).Select(CanonicalJson.Row)];
    }
}
