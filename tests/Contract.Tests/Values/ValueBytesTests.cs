using System.Globalization;
using System.Text.Json;
using Feast.Types;
using FeatureStore.Contract.Values;
using Google.Protobuf;

namespace FeatureStore.Contract.Tests.Values;

public sealed class ValueBytesTests
{
    [Fact]
    public void Timestamp_EveryRecordedTime_GivesFeastsBytesAndReadsBack()
    {
        var rows = GoldenFile.Load("redis_keys.json").GetProperty("ts_values").EnumerateArray().ToArray();
        Assert.NotEmpty(rows);
        foreach (var row in rows)
        {
            var seconds = long.Parse(row.GetProperty("seconds").GetString()!, CultureInfo.InvariantCulture);
            var micros = (seconds * 1_000_000) + (row.GetProperty("nanos").GetInt32() / 1_000);
            var bytes = ValueBytes.Timestamp(micros);
            Assert.Equal(row.GetProperty("ts_field_value_hex").GetString(), Convert.ToHexStringLower(bytes));
            Assert.Equal(micros, ValueBytes.TimestampMicros(bytes));
        }
    }

    [Fact]
    public void Scalars_EveryRecordedCase_GiveFeastsBytes()
    {
        var seen = 0;
        foreach (var row in GoldenFile.Load("values.json").GetProperty("cases").EnumerateArray())
        {
            if (!row.TryGetProperty("hex_deterministic", out var hex) || Scalar(row) is not { } bytes)
            {
                continue;
            }

            var name = row.GetProperty("name").GetString();
            Assert.Equal((name, hex.GetString()), (name, Convert.ToHexStringLower(bytes)));
            seen++;
        }

        Assert.True(seen >= 10, $"Only {seen} scalar cases were recognised.");
    }

    [Fact]
    public void Values_EveryRecordedMessage_ParseAndKeepTheirBytes()
    {
        foreach (var row in GoldenFile.Load("values.json").GetProperty("cases").EnumerateArray())
        {
            if (!row.TryGetProperty("hex", out var hex))
            {
                continue;
            }

            var bytes = Convert.FromHexString(hex.GetString()!);
            var value = Value.Parser.ParseFrom(bytes);
            Assert.Equal(value, Value.Parser.ParseFrom(value.ToByteArray()));
            Assert.Equal((row.GetProperty("name").GetString(), bytes.Length), (row.GetProperty("name").GetString(), value.ToByteArray().Length));
            var kind = row.GetProperty("case").GetString() ?? "none";
            Assert.Equal(kind.Replace("_", "", StringComparison.Ordinal), value.ValCase.ToString().ToLowerInvariant());
        }
    }

    private static byte[]? Scalar(JsonElement row)
    {
        var json = row.TryGetProperty("http_json", out var element) ? element : default;
        return (row.GetProperty("case").GetString(), json.ValueKind) switch
        {
            ("int32_val", JsonValueKind.Number) => ValueBytes.Int32(json.GetInt32()),
            ("int64_val", JsonValueKind.Number) => ValueBytes.Int64(json.GetInt64()),
            ("double_val", JsonValueKind.Number) => ValueBytes.Double(json.GetDouble()),
            ("float_val", JsonValueKind.Number) => ValueBytes.Float((float)json.GetDouble()),
            ("bool_val", JsonValueKind.True or JsonValueKind.False) => ValueBytes.Boolean(json.GetBoolean()),
            ("string_val", JsonValueKind.String) => ValueBytes.Text(json.GetString()!),
            ("unix_timestamp_val", JsonValueKind.Number) => ValueBytes.UnixTimestamp(json.GetInt64()),
            (null, _) => ValueBytes.Null,
            _ => null,
        };
    }
}
