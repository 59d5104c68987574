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
            var name = row.GetProperty("name").GetString();
            Assert.Equal((name, hex.GetString()), (name, Convert.ToHexStringLower(value.ToByteArray())));
            var kind = row.GetProperty("case").GetString() ?? "none";
            Assert.Equal(kind.Replace("_", "", StringComparison.Ordinal), value.ValCase.ToString().ToLowerInvariant());
        }
    }

    [Fact]
    public void Scalars_AtEveryWidth_EqualTheBuiltMessage()
    {
        const int Seed = 7;
        var random = new Random(Seed);
        for (var bits = 0; bits <= 64; bits++)
        {
            var number = bits == 64 ? long.MinValue : unchecked((random.NextInt64() | (1L << 62)) >>> (64 - bits));
            foreach (var value in new[] { number, -number, number + 1 })
            {
                Same(ValueBytes.Int64(value), new Value { Int64Val = value }, Seed);
                Same(ValueBytes.Int32((int)value), new Value { Int32Val = (int)value }, Seed);
                Same(ValueBytes.UnixTimestamp(value), new Value { UnixTimestampVal = value }, Seed);
                Same(ValueBytes.Double(BitConverter.Int64BitsToDouble(value)), new Value { DoubleVal = BitConverter.Int64BitsToDouble(value) }, Seed);
                Same(ValueBytes.Float(BitConverter.Int32BitsToSingle((int)value)), new Value { FloatVal = BitConverter.Int32BitsToSingle((int)value) }, Seed);
            }
        }

        foreach (var length in new[] { 0, 1, 127, 128, 16_383, 16_384, 100_000 })
        {
            Same(ValueBytes.Text(new string('é', length)), new Value { StringVal = new string('é', length) }, Seed);
        }
    }

    private static void Same(byte[] written, Value built, int seed) =>
        Assert.Equal((seed, Convert.ToHexString(built.ToByteArray())), (seed, Convert.ToHexString(written)));

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
