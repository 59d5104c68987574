using System.Text.Json;
using Feast.Types;
using FeatureStore.Contract.Values;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Contract.Tests.Values;

public sealed class EntityValueConverterTests
{
    [Fact]
    public void FromText_EveryRecordedInteger_ReadsAsPythonDoes()
    {
        foreach (var row in GoldenFile.Load("python_numbers.json").GetProperty("integers").EnumerateArray())
        {
            var text = row.GetProperty("text").GetString()!;
            var expected = row.GetProperty("int").GetString();
            if (long.TryParse(expected, System.Globalization.CultureInfo.InvariantCulture, out var number))
            {
                Assert.Equal((text, number), (text, EntityValueConverter.FromText(text, Kind.Int64).Int64Val));
            }
            else
            {
                var error = Record.Exception(() => EntityValueConverter.FromText(text, Kind.Int64));
                Assert.True(error is EntityValueException, $"'{text}' was read, and Python reads {expected ?? "no integer"}.");
                Assert.Contains(expected is null ? "an integer" : "64 bits", error.Message, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("1001", Kind.Int64, "20e907")]
    [InlineData("1001.9", Kind.Int64, "20e907")]
    [InlineData("-1001.9", Kind.Int64, "2097f8ffffffffffffff01")]
    [InlineData("\"1001\"", Kind.Int64, "20e907")]
    [InlineData("true", Kind.Int64, "2001")]
    [InlineData("1e3", Kind.Int32, "18e807")]
    [InlineData("-2147483648", Kind.Int32, "1880808080f8ffffffff01")]
    [InlineData("-9223372036854775808", Kind.Int64, "2080808080808080808001")]
    [InlineData("-9223372036854775808.0", Kind.Int64, "2080808080808080808001")]
    [InlineData("1793491200", Kind.UnixTimestamp, "4080829ad706")]
    [InlineData("7", Kind.String, "120137")]
    [InlineData("-0", Kind.String, "120130")]
    [InlineData("1.50", Kind.String, "1203312e35")]
    [InlineData("1e3", Kind.String, "1206313030302e30")]
    [InlineData("1e16", Kind.String, "120531652b3136")]
    [InlineData("true", Kind.String, "120454727565")]
    [InlineData("false", Kind.String, "120546616c7365")]
    [InlineData("\"\"", Kind.String, "1200")]
    [InlineData("7", Kind.Double, "290000000000001c40")]
    [InlineData("0.1", Kind.Float, "35cdcccc3d")]
    [InlineData("1", Kind.Bool, "3801")]
    [InlineData("5", Kind.Invalid, "2005")]
    [InlineData("5.0", Kind.Invalid, "290000000000001440")]
    [InlineData("true", Kind.Invalid, "3801")]
    [InlineData("\"x\"", Kind.Invalid, "120178")]
    public void FromJson_WhatPythonConverts_GivesTheColumnsType(string json, Kind type, string hex) =>
        Assert.Equal(hex, Hex(EntityValueConverter.FromJson(Parse(json), type)));

    [Theory]
    [InlineData("null", Kind.String)]
    [InlineData("null", Kind.Invalid)]
    [InlineData("[1]", Kind.Int64)]
    [InlineData("{\"a\":1}", Kind.String)]
    [InlineData("\"abc\"", Kind.Int64)]
    [InlineData("\"1001.0\"", Kind.Int64)]
    [InlineData("3000000000", Kind.Int32)]
    [InlineData("\"3000000000\"", Kind.Int32)]
    [InlineData("9223372036854775808", Kind.Int64)]
    [InlineData("9223372036854775808", Kind.Invalid)]
    [InlineData("9223372036854775808.0", Kind.Int64)]
    [InlineData("1e400", Kind.Int64)]
    [InlineData("\"2026-11-01T00:00:00Z\"", Kind.UnixTimestamp)]
    [InlineData("\"1.5\"", Kind.Double)]
    [InlineData("\"true\"", Kind.Bool)]
    [InlineData("2", Kind.Bool)]
    [InlineData("\"AA==\"", Kind.Bytes)]
    [InlineData("1", Kind.Bytes)]
    [InlineData("true", Kind.Double)]
    [InlineData("\"\\ud800\"", Kind.String)]
    public void FromJson_WhatCannotConvert_IsRefusedWithAWayOut(string json, Kind type)
    {
        var error = Assert.Throws<EntityValueException>(() => EntityValueConverter.FromJson(Parse(json), type));
        Assert.Contains("ntity value", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FromText_HugeText_IsQuotedInPart()
    {
        var error = Assert.Throws<EntityValueException>(() => EntityValueConverter.FromText(new string('x', 100_000), Kind.Int64));
        Assert.True(error.Message.Length < 300, error.Message);
    }

    [Theory]
    [InlineData("feast_http_redis.json", "user_id", Kind.String, 3)]
    [InlineData("feast_http_ext_redis.json", "driver_id", Kind.Int64, 4)]
    [InlineData("feast_http_ext_redis.json", "customer_id", Kind.String, 1)]
    [InlineData("feast_http_ext_redis.json", "merchant_id", Kind.Int32, 1)]
    public void FromJson_EveryRecordedRequest_AnswersFeastsEntities(string file, string joinKey, Kind type, int rowsMin)
    {
        var seen = 0;
        foreach (var (sent, answered) in Exchanges(file, joinKey))
        {
            var values = sent.EnumerateArray().Select(e => Json(EntityValueConverter.FromJson(e, type)));
            Assert.Equal(answered.EnumerateArray().Select(a => a.GetRawText()), values);
            seen += sent.GetArrayLength();
        }

        Assert.True(seen >= rowsMin, $"Only {seen} rows of {joinKey} were found in {file}.");
    }

    private static IEnumerable<(JsonElement Sent, JsonElement Answered)> Exchanges(string file, string joinKey)
    {
        foreach (var row in GoldenFile.Load(file).EnumerateArray())
        {
            if (row.GetProperty("path").GetString() != "/get-online-features" || row.GetProperty("status").GetInt32() != 200)
            {
                continue;
            }

            var request = Parse(row.GetProperty("request_body").GetString()!);
            var answer = Parse(row.GetProperty("response_body").GetString()!);
            var names = answer.GetProperty("metadata").GetProperty("feature_names").EnumerateArray().Select(n => n.GetString()).ToList();
            var at = names.IndexOf(joinKey);
            if (at >= 0 && request.GetProperty("entities").TryGetProperty(joinKey, out var sent))
            {
                yield return (sent, answer.GetProperty("results")[at].GetProperty("values"));
            }
        }
    }

    private static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;

    private static string Hex(Value value) => Convert.ToHexStringLower(Google.Protobuf.MessageExtensions.ToByteArray(value));

    private static string Json(Value value)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, ValueJson.WriterOptions))
        {
            ValueJson.Write(writer, value);
        }

        return System.Text.Encoding.UTF8.GetString(bytes.ToArray());
    }
}
