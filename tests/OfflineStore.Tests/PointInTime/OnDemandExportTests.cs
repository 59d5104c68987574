using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.DataSets;
using FeatureStore.OfflineStore.PointInTime;
using FeatureStore.Registry.Expressions;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.OfflineStore.Tests.PointInTime;

/// <summary>On-demand features in a data set: their inputs are those of the joined rows and of the labels, under the rules of the online store.</summary>
public sealed class OnDemandExportTests : IDisposable
{
    private static readonly Dictionary<string, string> NoMap = [];

    private static readonly FieldModel[] Facts =
        [new("n", Kind.Int64), new("small", Kind.Int32), new("x", Kind.Double), new("f", Kind.Float), new("word", Kind.String), new("yes", Kind.Bool), new("at", Kind.UnixTimestamp)];

    private readonly string _root = Directory.CreateTempSubdirectory("export-on-demand").FullName;

    public OnDemandExportTests()
    {
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(256, 1));
        using var connection = database.Connect();
        Directory.CreateDirectory(Path.Combine(_root, "facts"));
        connection.Execute(
            $"""
            SET TimeZone = 'UTC';
            COPY (SELECT * FROM (VALUES
                ('a', 7::BIGINT, 3::INTEGER, 2.5::DOUBLE, 0.1::FLOAT, 'Žatec', true, TIMESTAMPTZ '2026-11-02 10:00:00.75Z', TIMESTAMPTZ '2026-11-01 00:00:00Z'),
                ('b', NULL, -3, 'nan'::DOUBLE, 'inf'::FLOAT, '', false, TIMESTAMPTZ '1969-12-31 23:59:58.25Z', TIMESTAMPTZ '2026-11-01 00:00:00Z'),
                ('c', 9223372036854775807, NULL, -0.0, NULL, NULL, NULL, NULL, TIMESTAMPTZ '2026-11-01 00:00:00Z'),
                ('a', 8, 4, 5.0, 0.2, 'later', false, TIMESTAMPTZ '2026-11-05 00:00:00Z', TIMESTAMPTZ '2026-11-04 00:00:00Z')) t(who, n, small, x, f, word, yes, "at", happened)
            ) TO '{_root}/facts/a.parquet' (FORMAT PARQUET);
            COPY (SELECT * FROM (VALUES
                ('a', 10.0::DOUBLE, 'x', TIMESTAMPTZ '2026-11-02 00:00:00Z'), ('b', 1.0, 'y', TIMESTAMPTZ '2026-11-02 00:00:00Z'), ('c', 'nan', 'z', TIMESTAMPTZ '2026-11-03 00:00:00Z'),
                ('nobody', 4.0, NULL, TIMESTAMPTZ '2026-11-02 00:00:00Z'), ('a', NULL, 'é', TIMESTAMPTZ '2026-11-06 00:00:00Z')) t(who, amount, note, event_timestamp)
            ) TO '{_root}/labels.parquet' (FORMAT PARQUET);
            """);
    }

    [Fact]
    public void Export_OnDemandFeatures_AreMadeOfTheRowsThatWereKnown()
    {
        var manifest = Export(Request(["facts:n", "pay:share", "pay:big", "pay:text", "pay:sum", "pay:narrow", "pay:tiny", "pay:then", "pay:age"]), out var rows);
        Assert.Equal(["who", "amount", "note", "event_timestamp", "n", "share", "big", "text", "sum", "narrow", "tiny", "then", "age"], rows.Columns);
        Assert.Equal(["BIGINT", "DOUBLE", "BOOLEAN", "VARCHAR", "BIGINT", "FLOAT", "INTEGER", "TIMESTAMP WITH TIME ZONE", "BIGINT"], rows.Types.Skip(4));
        string[] expected =
        [
            $"7|4|true|Žatec-x|10|0.10000000149011612|3|{Time(1_793_613_600)}|-36000",
            $"null|null|false|-y|null|null|-3|{Time(-1)}|1793577601",
            "9223372036854775807|null|null|null|null|null|null|null|null",
            "null|null|null|null|null|null|null|null|null",
            $"8|null|null|later-é|12|0.20000000298023224|4|{Time(1_793_836_800)}|86400",
        ];
        Assert.Equal(expected, rows.Rows.Select(r => string.Join('|', r.Split('|').Skip(4))));
        Assert.Equal(["facts:n", "pay:share"], manifest.Columns.Select(c => c.From).Skip(4).Take(2));
    }

    [Fact]
    public void Export_ServiceUnderAnAlias_KeepsTheInputsOut()
    {
        Export(Request([], "svc", full: true), out var rows);
        Assert.Equal(["who", "amount", "note", "event_timestamp", "now__share"], rows.Columns);
        Assert.Equal("4", rows.Rows[0].Split('|')[4]);
    }

    [Fact]
    public void Export_AnotherExpression_IsAnotherDefinition()
    {
        var one = Export(Request(["pay:share"]), out _);
        Assert.Equal(one.Definitions, Export(Request(["pay:share"]), out _).Definitions);
        Assert.NotEqual(one.Definitions, Export(Request(["pay:share"]), out var rows, "x / amount").Definitions);
        Assert.Equal("0.25", rows.Rows[0].Split('|')[4]);
    }

    [Theory]
    [InlineData("SELECT who, note, event_timestamp FROM read_parquet('{0}/labels.parquet')", "takes amount from the request, and the labels have only who, note, event_timestamp")]
    [InlineData("SELECT who, note, note AS amount, event_timestamp FROM read_parquet('{0}/labels.parquet')", "column amount: it is VARCHAR")]
    [InlineData("SELECT *, 1 AS share FROM read_parquet('{0}/labels.parquet')", "have a column share")]
    public void Export_LabelsThatDoNotFit_AreRefused(string sql, string message)
    {
        var request = Request(["pay:share"]) with { Labels = new LabelInput(null, string.Format(System.Globalization.CultureInfo.InvariantCulture, sql, _root), null) };
        Assert.Contains(message, Assert.Throws<LabelException>(() => Export(request, out _)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Export_UnknownFeatureOrFeastsPolicy_SaysTheWayOut()
    {
        Assert.Contains("has no feature 'old'; it has share", Assert.Throws<LabelException>(() => Export(Request(["pay:old"]), out _)).Message, StringComparison.Ordinal);
        var feast = Request(["pay:share"]) with { Rules = JoinRules.Default with { AsFeast = true } };
        Assert.Contains("take policy strict", Assert.Throws<LabelException>(() => Export(feast, out _)).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static string Time(long seconds) => DataSetRows.Text(DateTimeOffset.FromUnixTimeSeconds(seconds));

    private TrainingRequest Request(string[] features, string? service = null, bool full = false) =>
        new(new LabelInput(Path.Combine(_root, "labels.parquet"), null, null), features, service, full, JoinRules.Default, new Dictionary<string, long>());

    private DataSetManifest Export(TrainingRequest request, out DataSetRows rows, string share = "amount / x")
    {
        var target = DataSetTarget.Of(Path.Combine(_root, "out.parquet"));
        var manifest = new TrainingExport(_root).Run(Snapshot(share), request, target, CancellationToken.None);
        rows = DataSetRows.Read(target.Path);
        return manifest;
    }

    private static RegistrySnapshot Snapshot(string share)
    {
        var facts = new FeatureViewModel("facts", [new("who", Kind.String)], Facts, TimeSpan.Zero, true, new SourceModel("f", "facts", "happened", null, NoMap), null);
        ExpressionInput[] inputs =
        [
            .. Facts.Select(f => new ExpressionInput("facts", f)), new(null, new("amount", Kind.Double)), new(null, new("note", Kind.String)), new(null, new("event_timestamp", Kind.UnixTimestamp)),
        ];
        (string Name, Kind Kind, string Text)[] texts =
        [
            ("share", Kind.Double, share), ("big", Kind.Bool, "amount > 3 and x < 100"), ("text", Kind.String, "word || '-' || note"), ("sum", Kind.Int64, "n + small"),
            ("narrow", Kind.Float, "f"), ("tiny", Kind.Int32, "small"), ("then", Kind.UnixTimestamp, "at"), ("age", Kind.Int64, "seconds_between(at, event_timestamp)"),
        ];
        ExpressionFeature[] features = [.. texts.Select(t => new ExpressionFeature(new FieldModel(t.Name, t.Kind), t.Text, ExpressionText.Compile(t.Text, t.Kind, inputs)))];
        var pay = new OnDemandFeatureViewModel("pay", [.. features.Select(f => f.Field)], [], ["facts"], null)
        {
            Expressions = new ExpressionViewModel([new ProjectionModel("facts", "facts", [.. Facts.Select(f => f.Name)], NoMap)], inputs, features),
        };
        var service = new FeatureServiceModel("svc", [new ProjectionModel("pay", "now", ["share"], NoMap)]);
        return new RegistrySnapshot("bank", 3, new Dictionary<string, FeatureViewModel> { ["facts"] = facts }, new Dictionary<string, FeatureServiceModel> { ["svc"] = service })
        {
            OnDemandFeatureViews = new Dictionary<string, OnDemandFeatureViewModel> { ["pay"] = pay },
        };
    }
}
