using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FeatureStore.Ingest.Postgres.Values;

namespace FeatureStore.Ingest.Tests.Postgres.Values;

/// <summary>Forms of types beyond the recorded ones; those are in <see cref="Replay.ReplayTests"/>.</summary>
public sealed class PgValuesTests
{
    private const uint IntList = 1007;
    private const uint NumericList = 1231;
    private static readonly uint[] Types =
    [
        PgTypes.Boolean, PgTypes.Bytes, PgTypes.Int64, PgTypes.Single, PgTypes.Double, PgTypes.Money, PgTypes.Date, PgTypes.Time, PgTypes.TimeWithZone,
        PgTypes.Timestamp, PgTypes.TimestampWithZone, PgTypes.Interval, PgTypes.Bit, PgTypes.Numeric, PgTypes.Point, PgTypes.HStore, PgTypes.TextList, IntList, NumericList,
    ];

    [Theory]
    [InlineData(PgTypes.Double, -1, "100", "100.0")]
    [InlineData(PgTypes.Double, -1, "0.001", "0.001")]
    [InlineData(PgTypes.Double, -1, "0.0001", "1.0E-4")]
    [InlineData(PgTypes.Double, -1, "9999999.5", "9999999.5")]
    [InlineData(PgTypes.Double, -1, "12345678.5", "1.23456785E7")]
    [InlineData(PgTypes.Double, -1, "-123456789.125", "-1.23456789125E8")]
    [InlineData(PgTypes.Double, -1, "1e+15", "1.0E15")]
    [InlineData(PgTypes.Double, -1, "2e-323", "2.0E-323")]
    [InlineData(PgTypes.Double, -1, "0", "0.0")]
    [InlineData(PgTypes.Single, -1, "1e+10", "1.0E10")]
    [InlineData(PgTypes.Bit, 16, "0000000000000000", "\"\"")]
    [InlineData(PgTypes.BitVarying, 16, "100000001", "\"AQE=\"")]
    [InlineData(PgTypes.TimeWithZone, -1, "00:30:00+01", "\"23:30:00Z\"")]
    [InlineData(PgTypes.TimeWithZone, -1, "12:00:00.000001-03:30:15", "\"15:30:15.000001Z\"")]
    [InlineData(PgTypes.Interval, -1, "-1 years -2 mons +3 days -04:05:06.5", "-36572706500000")]
    [InlineData(PgTypes.Interval, -1, "1 day", "86400000000")]
    [InlineData(PgTypes.Money, -1, "1.234,56 €", "\"AeJA\"")]
    [InlineData(PgTypes.Money, -1, "($0.05)", "\"+w==\"")]
    [InlineData(PgTypes.Money, -1, "¥123", "\"MAw=\"")]
    [InlineData(PgTypes.Point, -1, "(1.5,-2)", """{"x":1.5,"y":-2.0,"wkb":"AQEAAAAAAAAAAAD4PwAAAAAAAADA","srid":null}""")]
    [InlineData(IntList, -1, "{{1,2},{3,NULL}}", "[[1,2],[3,null]]")]
    [InlineData(IntList, -1, "[0:1]={7,8}", "[7,8]")]
    [InlineData(PgTypes.TextList, -1, """{"a\\b","{c}",null,"null"}""", """["a\\b","{c}",null,"null"]""")]
    [InlineData(PgTypes.HStore, -1, "\"k2\"=>NULL, \"k17\"=>\"v\", \"a,b\"=>\"=>\"", "\"{\\\"k17\\\":\\\"v\\\",\\\"a,b\\\":\\\"=>\\\",\\\"k2\\\":null}\"")]
    public void Write_OddValues_AreInDebeziumsForm(uint type, int modifier, string text, string json) => Assert.Equal(json, Json(new SourceColumn("c", type, modifier, false), text));

    [Fact]
    public void Write_FloatingNumbers_ReadBackAsThemselves()
    {
        var random = new Random(20261129);
        for (var i = 0; i < 20_000; i++)
        {
            var number = BitConverter.Int64BitsToDouble(random.NextInt64());
            if (double.IsFinite(number))
            {
                var json = Json(new SourceColumn("c", PgTypes.Double, -1, false), number.ToString("R", CultureInfo.InvariantCulture).ToLowerInvariant());
                Assert.Equal(number, double.Parse(json, CultureInfo.InvariantCulture));
                Assert.Contains('.', json);
            }
        }
    }

    /// <summary>What is not in PostgreSQL's form is refused by one of the errors that the envelope tells with the column's name.</summary>
    [Fact]
    public void Write_DamagedTexts_AreWrittenOrRefused()
    {
        string[] seeds = ["{1,\"a\",{2}}", "\"a\"=>\"b\", \"c\"=>NULL", "(1,2)", "2024-02-29 12:34:56.789012+00", "1 year 2 mons -03:04:05", "$1,234.56", "-1.5e-7", "\\x0aff", "10101", ""];
        var random = new Random(20261129);
        var refused = 0;
        for (var i = 0; i < 50_000; i++)
        {
            var text = new StringBuilder(seeds[random.Next(seeds.Length)]);
            for (var changes = random.Next(3); changes > 0 && text.Length > 0; changes--)
            {
                var at = random.Next(text.Length);
                _ = random.Next(3) switch
                {
                    0 => text.Remove(at, 1),
                    1 => text.Insert(at, (char)random.Next(32, 127)),
                    _ => text.Replace(text[at], (char)random.Next(32, 127)),
                };
            }

            try
            {
                using var json = JsonDocument.Parse(Json(new SourceColumn("c", Types[random.Next(Types.Length)], -1, false), text.ToString()));
            }
            catch (Exception e) when (PgValues.IsUnsuited(e))
            {
                refused++;
            }
        }

        Assert.InRange(refused, 10_000, 49_000);
    }

    private static string Json(SourceColumn column, string text)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            PgValues.Write(json, column, text);
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
