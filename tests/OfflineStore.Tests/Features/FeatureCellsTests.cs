using System.Globalization;
using System.Text.Json;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Features;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.OfflineStore.Tests.Features;

/// <summary>What Feast's own materialize stored, of the same Parquet columns and declared types.</summary>
public sealed class FeatureCellsTests : IDisposable
{
    private const string At = "TIMESTAMPTZ '2026-11-01 11:00:00+00'";
    private readonly string _folder = Directory.CreateTempSubdirectory("cells").FullName;

    public static TheoryData<string, string, Kind> Recorded() => new()
    {
        { "declared Int32, Parquet int64", $"SELECT 1::BIGINT id, 5::BIGINT x, {At} t", Kind.Int32 },
        { "declared Float32, Parquet double 0.1", $"SELECT 1::BIGINT id, 0.1::DOUBLE x, {At} t", Kind.Float },
        { "declared Int64, Parquet double 2.7", $"SELECT 1::BIGINT id, 2.7::DOUBLE x, {At} t", Kind.Int64 },
        { "declared String, Parquet double", $"SELECT 1::BIGINT id, 5.0::DOUBLE x, {At} t", Kind.String },
        { "declared Int64, Parquet text digits", $"SELECT 1::BIGINT id, '12' x, {At} t", Kind.Int64 },
        { "declared Bool, Parquet int 1", $"SELECT 1::BIGINT id, 1::BIGINT x, {At} t", Kind.Bool },
        { "declared UnixTimestamp, Parquet date32", $"SELECT 1::BIGINT id, DATE '2026-11-01' x, {At} t", Kind.UnixTimestamp },
        { "declared UnixTimestamp, Parquet timestamp without zone", $"SELECT 1::BIGINT id, TIMESTAMP '2026-11-01 11:00:00' x, {At} t", Kind.UnixTimestamp },
        { "declared String, Parquet dictionary", $"SELECT * FROM (VALUES (1::BIGINT, 'a', {At}), (2, NULL, {At})) v(id, x, t)", Kind.String },
        { "both ends of the range are included", "SELECT * FROM (VALUES (1::BIGINT, 1::BIGINT, TIMESTAMPTZ '2026-11-01 10:00:00+00'), (2, 2, TIMESTAMPTZ '2026-11-01 12:00:00+00'), (3, 3, TIMESTAMPTZ '2026-11-01 12:00:00.000001+00')) v(id, x, t)", Kind.Int64 },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Recorded))]
    public void Latest_OfARecordedTable_GivesFeastsRows(string name, string sql, Kind declared)
    {
        var recorded = Cases().Single(c => c.GetProperty("name").GetString() == name);
        var span = recorded.GetProperty("spans")[0];
        var rows = Read(sql, declared, Micros(span[0].GetString()!), Micros(span[1].GetString()!));
        Assert.Equal(
            recorded.GetProperty("rows").EnumerateArray().Select(r => (r.GetProperty("key").GetString(), r.GetProperty("value").GetString())).Order(),
            rows.Select(r => ((string?)r.Key, (string?)r.Value)).Order());
    }

    [Theory]
    [InlineData("'NaN'::DOUBLE", Kind.Double, "")]
    [InlineData("'NaN'::DOUBLE", Kind.Int64, "")]
    [InlineData("-2.7::DOUBLE", Kind.Int32, "18feffffffffffffffff01")]
    [InlineData("2.7::DECIMAL(5,1)", Kind.Int64, "2002")]
    [InlineData("9007199254740993::BIGINT", Kind.Int64, "208180808080808010")]
    [InlineData("true", Kind.String, "120454727565")]
    [InlineData("NULL::TIMESTAMP", Kind.UnixTimestamp, "4080808080808080808001")]
    [InlineData("TIMESTAMP '1969-12-31 23:59:59.5'", Kind.UnixTimestamp, "4000")]
    [InlineData("1793491200::BIGINT", Kind.UnixTimestamp, "4080829ad706")]
    [InlineData("'\\x00\\xFF'::BLOB", Kind.Bytes, "0a0200ff")]
    [InlineData("[1, NULL, 3]::BIGINT[]", Kind.Int64List, "72050a03010003")]
    [InlineData("['a', NULL]", Kind.StringList, "62050a01610a00")]
    [InlineData("[0.1::FLOAT, 0.2::FLOAT]", Kind.FloatList, "82010a0a08cdcccc3dcdcc4c3e")]
    [InlineData("MAP {'a': 1}", Kind.Map, "a201090a070a016112022001")]
    [InlineData("{'name': 'x'}", Kind.Struct, "92020d0a0b0a046e616d651203120178")]
    [InlineData("'{\"a\":1}'", Kind.Json, "8202077b2261223a317d")]
    [InlineData("1.10::DECIMAL(5,2)", Kind.Decimal, "e20204312e3130")]
    [InlineData("'123e4567-e89b-12d3-a456-426614174000'::UUID", Kind.Uuid, "a2022431323365343536372d653839622d313264332d613435362d343236363134313734303030")]
    public void Latest_OfAnyType_GivesFeastsBytes(string value, Kind declared, string hex) =>
        Assert.Equal(hex, Read($"SELECT 1::BIGINT id, {value} x, {At} t", declared, 0, long.MaxValue / 2).Single().Value);

    [Fact]
    public void Latest_OfAColumnThatIsNotThere_NamesItAndTheView()
    {
        var refusal = Assert.Throws<FeatureStore.OfflineStore.Lake.DeltaException>(() => Read($"SELECT 1::BIGINT id, 2 y, {At} t", Kind.Int64, 0, 1));
        Assert.Contains("no column x", refusal.Message, StringComparison.Ordinal);
    }

    private static JsonElement[] Cases() =>
        [.. JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "materialize.json"))).RootElement.GetProperty("cases").EnumerateArray()];

    private static long Micros(string text) => (DateTimeOffset.Parse(text, CultureInfo.InvariantCulture) - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private List<(string Key, string Value)> Read(string sql, Kind declared, long startMicros, long endMicros)
    {
        var path = Path.Combine(_folder, $"{Guid.NewGuid():N}.parquet");
        using (var database = DuckDbDatabase.Open(null, new DuckDbOptions(Threads: 1)))
        using (var connection = database.Connect())
        {
            connection.Execute($"COPY ({sql}) TO '{path}' (FORMAT PARQUET)");
        }

        var view = new FeatureViewModel(
            "v", [new FieldModel("id", Kind.Int64)], [new FieldModel("x", declared)], TimeSpan.Zero, true,
            new SourceModel("s", path, "t", null, new Dictionary<string, string>()), null);
        return [.. new FeatureReader(_folder, 3).Latest(view, startMicros, endMicros, 100, CancellationToken.None)
            .SelectMany(b => b).Select(r => (Convert.ToHexStringLower(r.EntityKey), Convert.ToHexStringLower(r.Values[0])))];
    }
}
