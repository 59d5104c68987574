using FeatureStore.OfflineStore.PointInTime;
using FeatureStore.OfflineStore.Tests.PointInTime;

namespace FeatureStore.OfflineStore.Tests.DataSets;

/// <summary>Files of labels as people write them, and as they should not.</summary>
public sealed class LabelFileTests : IDisposable
{
    private readonly DataSetFixture _lake = new();

    public void Dispose() => _lake.Dispose();

    [Fact]
    public void Export_TimesInEveryForm_AreReadAsOneInstant()
    {
        var labels = _lake.Labels(
            "labels.csv",
            "user_id,event_timestamp,note",
            "u1,1970-01-20T00:00:00Z,zulu",
            "u1,1970-01-20 01:00:00+01:00,offset",
            "u1,1970-01-19 19:00:00 America/New_York,named",
            "u1,1970-01-20,a day after a named zone",
            "u1,1970-01-20 00:00,minutes",
            "\"u1\",\"1970-01-20T05:45:00.000000+0545\",\"quoted, with \"\"quotes\"\" and",
            "a line\"",
            "u1,1970-01-20 00:00:00.000000,micros");

        var manifest = _lake.Export(labels, "out.parquet");

        var rows = DataSetRows.Read(_lake.In("out.parquet"));
        Assert.Equal(7, rows.Rows.Count);
        Assert.All(rows.Rows, r => Assert.StartsWith("u1|1970-01-20T00:00:00.000000|", r, StringComparison.Ordinal));
        Assert.Single(rows.Rows.Select(r => string.Join('|', r.Split('|')[3..])).Distinct());
        Assert.Equal(3, manifest.NaiveTimes);
        Assert.Equal("quoted, with \"quotes\" and\na line", rows.Rows[5].Split('|')[2]);
    }

    [Fact]
    public void Export_ExtraColumns_StayInTheirPlaceWithTheirValues()
    {
        var labels = _lake.Labels("labels.csv", "code,fraud,event_timestamp,score,user_id,empty", "007,1,1970-01-20,0.5,u2,", "0,0,1970-01-20,2,u9,", ",1,1970-01-20,,,");

        _lake.Export(labels, "out.parquet");

        var rows = DataSetRows.Read(_lake.In("out.parquet"));
        Assert.Equal(["code", "fraud", "event_timestamp", "score", "user_id", "empty", "n", "total", "credit"], rows.Columns);
        Assert.Equal(["VARCHAR", "BIGINT", "TIMESTAMP WITH TIME ZONE", "DOUBLE", "VARCHAR", "VARCHAR", "BIGINT", "DOUBLE", "BIGINT"], rows.Types);
        Assert.Equal("007|1|1970-01-20T00:00:00.000000|0.5|u2|null|", rows.Rows[0][..("007|1|1970-01-20T00:00:00.000000|0.5|u2|null|".Length)]);
        Assert.EndsWith("|200", rows.Rows[0], StringComparison.Ordinal);
        Assert.Equal("0|0|1970-01-20T00:00:00.000000|2|u9|null|null|null|null", rows.Rows[1]);
        Assert.Equal("null|1|1970-01-20T00:00:00.000000|null|null|null|null|null|null", rows.Rows[2]);
    }

    [Fact]
    public void Export_NoLabels_WritesTheColumnsWithoutARow()
    {
        var manifest = _lake.Export(_lake.Labels("labels.csv", "user_id,event_timestamp"), "out.parquet");
        Assert.Equal(0, manifest.Rows);
        Assert.Equal(["user_id", "event_timestamp", "n", "total", "credit"], DataSetRows.Read(_lake.In("out.parquet")).Columns);
    }

    [Theory]
    [InlineData("line 3", "two|u1,1970-01-20|u1,1970-01-20,3")]
    [InlineData("line 5, column event_timestamp: 'soon' is no time", "u1,1970-01-20|\"u\n1\",1970-01-20|u1,soon")]
    [InlineData("line 3, column event_timestamp: '1970-02-30' is no time", "u1,1970-01-20|u1,1970-02-30")]
    [InlineData("line 2, column event_timestamp: the label has no time", "u1,")]
    [InlineData("no time zone 'Europe/Nowhere'", "u1,1970-01-20 00:00:00 Europe/Nowhere")]
    [InlineData("line 2, column event_timestamp: '290000-01-01' is no time", "u1,290000-01-01")]
    [InlineData("'infinity' is no time", "u1,infinity")]
    [InlineData("line 2: a quoted cell does not end", "\"u1,1970-01-20")]
    public void Export_AFaultyRow_IsNamedByItsPlace(string told, string rows)
    {
        var labels = _lake.Labels("labels.csv", ["user_id,event_timestamp", .. rows.Replace("two|", string.Empty, StringComparison.Ordinal).Split('|')]);
        var e = Assert.Throws<LabelException>(() => _lake.Export(labels, "out.parquet"));
        Assert.Contains(told, e.Message, StringComparison.Ordinal);
        Assert.Contains("labels.csv", e.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_lake.In("out.parquet")));
        Assert.Empty(Directory.EnumerateDirectories(_lake.Root, ".*.tmp"));
    }

    [Theory]
    [InlineData("", "there is no header")]
    [InlineData("user_id,,event_timestamp\n", "column 2 has no name")]
    [InlineData("user_id,event_timestamp,user_id\n", "column 3 is called user_id, as column 1")]
    [InlineData("user_id,when\nu1,1970-01-20\n", "has no column event_timestamp")]
    [InlineData("who,event_timestamp\nu1,1970-01-20\n", "joins on user_id")]
    [InlineData("user_id,event_timestamp\nu1,20\n", "is BIGINT, no time")]
    [InlineData("user_id,event_timestamp\n1.5,1970-01-20\n", "it is DOUBLE, and view weekly joins on String")]
    [InlineData("user_id,event_timestamp,N\nu1,1970-01-20,1\n", "and a feature would be called n")]
    [InlineData("PAR1 but not really", "begins as Parquet and cannot be read")]
    public void Export_AFileThatIsNoTableOfLabels_IsRefused(string text, string told)
    {
        File.WriteAllText(_lake.In("labels.csv"), text);
        var e = Assert.Throws<LabelException>(() => _lake.Export(_lake.In("labels.csv"), "out.parquet"));
        Assert.Contains(told, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Export_BytesThatAreNoText_AreRefusedWithTheLine()
    {
        File.WriteAllBytes(_lake.In("labels.csv"), [.. "user_id,event_timestamp\nu1,1970-01-20\nu"u8, 0xFF, 0xFE, .. ",1970-01-20\n"u8]);
        Assert.Contains("line 3: the file is not UTF-8", Assert.Throws<LabelException>(() => _lake.Export(_lake.In("labels.csv"), "out.parquet")).Message, StringComparison.Ordinal);
    }

    // Whatever bytes a file holds, the answer is a data set or a clear refusal.
    [Fact]
    public void Export_RandomBytes_NeverFailsOtherwise()
    {
        const string Alphabet = "u1,\"\n\r;é\0 970-:+TZ\t|";
        for (var seed = 0; seed < 150; seed++)
        {
            var random = new Random(seed);
            var header = random.Next(3) == 0 ? string.Empty : "user_id,event_timestamp\n";
            File.WriteAllText(_lake.In("labels.csv"), header + new string([.. Enumerable.Range(0, random.Next(60)).Select(_ => Alphabet[random.Next(Alphabet.Length)])]));
            var e = Record.Exception(() => _lake.Export(_lake.In("labels.csv"), "out.parquet", features: "limits:credit"));
            Assert.True(e is null or LabelException, $"seed {seed}: {e}");
        }
    }

    [Fact]
    public void Export_AQueryOverTheLake_TakesItsRowsAsLabels()
    {
        var request = new TrainingRequest(
            new LabelInput(null, "SELECT user_id, event_timestamp + INTERVAL 1 HOUR AS moment, n > 2 AS busy FROM \"features/weekly\" ORDER BY 1, 2", "moment"),
            ["limits:credit"], null, true, JoinRules.Default, new Dictionary<string, long>());

        var manifest = _lake.Export(request, "out.parquet");

        var rows = DataSetRows.Read(_lake.In("out.parquet"));
        Assert.Equal(["user_id", "moment", "busy", "limits__credit"], rows.Columns);
        Assert.Equal(9, rows.Rows.Count);
        Assert.Equal(["cdc/transactions", "features/weekly", "limits.parquet"], manifest.Tables.Select(t => t.Path));
    }

    [Theory]
    [InlineData("label")]
    [InlineData("label_text")]
    [InlineData("row0")]
    [InlineData("point")]
    public void Export_AQueryOfATableThatIsNamedAsOneOfTheJoin_TakesItsRowsAsLabels(string name)
    {
        _lake.Append(1, [DataSetFixture.Change(1, "u1", 2, 20, 20)], name);
        var request = new TrainingRequest(
            new LabelInput(null, $"SELECT user_id, TIMESTAMPTZ '1970-01-21' AS event_timestamp FROM \"{name}\"", null),
            ["limits:credit"], null, false, JoinRules.Default, new Dictionary<string, long>());

        _lake.Export(request, "out.parquet");

        Assert.EndsWith("100", Assert.Single(DataSetRows.Read(_lake.In("out.parquet")).Rows), StringComparison.Ordinal);
    }
}
