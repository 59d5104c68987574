using Feast.Types;
using FeatureStore.Contract.Keys;

namespace FeatureStore.Contract.Tests.Keys;

public sealed class EntityKeyTests
{
    [Fact]
    public void Encode_EveryRecordedEntity_GivesFeastsBytes()
    {
        var cases = GoldenFile.Load("entity_keys.json").GetProperty("cases").EnumerateArray().ToArray();
        Assert.NotEmpty(cases);
        foreach (var row in cases)
        {
            var keys = GoldenFile.Keys(row);
            var name = row.GetProperty("name").GetString();
            Assert.Equal((name, row.GetProperty("v3_hex").GetString()), (name, Hex(EntityKeyEncoder.Encode(keys, 3))));
            Assert.Equal((name, row.GetProperty("v2_hex").GetString()), (name, Hex(EntityKeyEncoder.Encode(keys, 2))));
        }
    }

    [Fact]
    public void ForRedis_EveryRecordedKey_GivesFeastsBytes()
    {
        var rows = GoldenFile.Load("redis_keys.json").GetProperty("keys").EnumerateArray().ToArray();
        Assert.NotEmpty(rows);
        foreach (var row in rows)
        {
            var keys = GoldenFile.Keys(row);
            var project = row.GetProperty("project").GetString()!;
            Assert.Equal(row.GetProperty("key_v3_hex").GetString(), Hex(EntityKeyEncoder.ForRedis(EntityKeyEncoder.Encode(keys, 3), project)));
            Assert.Equal(row.GetProperty("key_v2_hex").GetString(), Hex(EntityKeyEncoder.ForRedis(EntityKeyEncoder.Encode(keys, 2), project)));
        }
    }

    [Fact]
    public void Field_EveryRecordedFeature_GivesFeastsBytes()
    {
        var golden = GoldenFile.Load("redis_keys.json");
        foreach (var row in golden.GetProperty("hash_fields").EnumerateArray())
        {
            Assert.Equal(
                row.GetProperty("field_hex").GetString(),
                Hex(FeatureHash.Field(row.GetProperty("view").GetString()!, row.GetProperty("feature").GetString()!)));
        }

        foreach (var row in golden.GetProperty("ts_fields").EnumerateArray())
        {
            Assert.Equal(row.GetProperty("field_hex").GetString(), Hex(FeatureHash.TimestampField(row.GetProperty("view").GetString()!)));
        }
    }

    [Fact]
    public void Encode_UnsupportedKinds_AreRefusedByName()
    {
        Value[] values = [new() { DoubleVal = 1.5 }, new() { FloatVal = 1 }, new() { BoolVal = true }, new() { NullVal = Null.Null }, new()];
        foreach (var value in values)
        {
            var error = Assert.Throws<EntityKeyException>(() => EntityKeyEncoder.Encode([("user_id", value)], 3));
            Assert.Contains("user_id", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Encode_UnknownVersion_NamesTheSetting(int version)
    {
        var error = Assert.Throws<EntityKeyException>(() => EntityKeyEncoder.Encode([], version));
        Assert.Contains("entity_key_serialization_version", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Encode_AnyOrderOfJoinKeys_GivesTheSameBytes()
    {
        var keys = new[] { "\uE000", "\U0001F600", "a", "Z", "é" }.Select(k => (k, new Value { StringVal = k })).ToArray();
        var expected = Hex(EntityKeyEncoder.Encode(keys, 3));
        for (var seed = 0; seed < 100; seed++)
        {
            var shuffled = keys.ToArray();
            new Random(seed).Shuffle(shuffled);
            Assert.Equal((seed, expected), (seed, Hex(EntityKeyEncoder.Encode(shuffled, 3))));
        }
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
