using FeatureStore.OfflineStore.PointInTime;

namespace FeatureStore.OfflineStore.Tests.PointInTime;

/// <summary>What Feast itself gave, recorded with its DuckDB store and its Dask store.</summary>
public sealed class HistoricalVectorTests : IDisposable
{
    private static readonly JoinRules Feast = new(true, KnownTime.Event, TimeSpan.Zero, WindowAt.Snapshot);
    private static readonly JoinRules EventTime = Feast with { AsFeast = false };
    private readonly string _root = Directory.CreateTempSubdirectory("historical").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    public static TheoryData<string> DuckDb() => [.. HistoricalCase.Read("duckdb_0.67.json").Where(c => c.HasLabels).Select(c => c.Name)];

    public static TheoryData<string, string> Dask()
    {
        var data = new TheoryData<string, string>();
        foreach (var file in new[] { "dask_0.66.json", "dask_0.67.json" })
        {
            foreach (var recorded in HistoricalCase.Read(file).Where(c => c.HasLabels && !c.IsOnDemand && c.Error is null))
            {
                data.Add(file, recorded.Name);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(DuckDb))]
    public void Export_PolicyFeast_GivesWhatTheDuckDbStoreGave(string name)
    {
        var recorded = HistoricalCase.Read("duckdb_0.67.json").Single(c => c.Name == name);
        if (recorded.IsOnDemand || recorded.Error is not null)
        {
            // Pickled functions are not run, and mistakes are refused as in Feast, in our words.
            Assert.Throws<LabelException>(() => recorded.Export(_root, Feast));
            return;
        }

        var rows = recorded.Export(_root, Feast);

        Assert.Equal(recorded.Columns, rows.Columns);
        Assert.Equal(recorded.Types, rows.Types);
        Assert.Equal(recorded.Rows, rows.Rows);
    }

    // The Dask store drops rows, collapses equal ones and loses their order; what it does give is given here too.
    [Theory]
    [MemberData(nameof(Dask))]
    public void Export_EventTime_KeepsWhatTheDaskStoreGaveAndWhatItLost(string file, string name)
    {
        var recorded = HistoricalCase.Read(file).Single(c => c.Name == name);
        var rows = recorded.Export(_root, EventTime);

        Assert.Equal(recorded.Columns, rows.Columns);
        var given = recorded.Rows.Select(Floating).ToHashSet();
        var ours = rows.Rows.Select(Floating).ToList();
        Assert.Empty(given.Except(ours));
        Assert.All(ours.Where(r => !given.Contains(r)), r => Assert.EndsWith("|null", r, StringComparison.Ordinal));
    }

    // As a data frame holds an integer beside a missing value.
    private static string Floating(string row) => string.Join('|', row.Split('|').Select(c => double.TryParse(c, System.Globalization.CultureInfo.InvariantCulture, out var n) ? DataSetRows.Text(n) : c));
}
