using System.Text.Json;
using Feast.Types;
using FeatureStore.Contract.Keys;

namespace FeatureStore.Contract.Tests.Keys;

public sealed class EntityKeyShapeTests
{
    [Fact]
    public void Prefix_EveryRecordedList_GivesFeastsBytes()
    {
        var entityKeys = GoldenFile.Load("entity_keys.json").GetProperty("prefixes").EnumerateArray().ToArray();
        var scans = GoldenFile.Load("redis_keys.json").GetProperty("scan_prefixes").EnumerateArray().ToArray();
        Assert.NotEmpty(entityKeys);
        Assert.NotEmpty(scans);
        foreach (var row in entityKeys)
        {
            Assert.Equal(row.GetProperty("v2_hex").GetString(), Hex(Shape(row, 2).Prefix));
            Assert.Equal(row.GetProperty("v3_hex").GetString(), Hex(Shape(row, 3).Prefix));
        }

        Assert.All(scans, row => Assert.Equal(row.GetProperty("scan_prefix_hex").GetString(), Hex(Shape(row, 3).Prefix)));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void IsRedisKey_EveryRecordedKey_BelongsToItsOwnListAndProject(int version)
    {
        foreach (var row in GoldenFile.Load("redis_keys.json").GetProperty("keys").EnumerateArray())
        {
            var shape = Shape(row, version);
            var project = row.GetProperty("project").GetString()!;
            var key = Convert.FromHexString(row.GetProperty($"key_v{version}_hex").GetString()!);
            Assert.True(shape.IsRedisKey(key, project), Convert.ToHexString(key));
            Assert.False(shape.IsRedisKey(key, project[1..]));
            Assert.False(shape.IsRedisKey(key, "x" + project));
            Assert.False(new EntityKeyShape([.. Names(row), "zz"], version).IsRedisKey(key, project));
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void IsEntityKey_ListThatStartsAlike_IsAnother(int version)
    {
        var user = new EntityKeyShape(["user"], version);
        var longer = EntityKeyEncoder.Encode([("user_id", new Value { StringVal = "u1" })], version);
        var more = EntityKeyEncoder.Encode([("user", new Value { StringVal = "u1" }), ("zone", new Value { Int64Val = 1 })], version);
        Assert.True(user.IsEntityKey(EntityKeyEncoder.Encode([("user", new Value { StringVal = "u1" })], version)));
        Assert.False(user.IsEntityKey(longer));
        Assert.False(user.IsEntityKey(more));
    }

    [Fact]
    public void IsEntityKey_CutOrLengthenedAnywhere_IsNone()
    {
        var shape = new EntityKeyShape(["b", "a"], 3);
        var key = EntityKeyEncoder.Encode([("a", new Value { StringVal = "x" }), ("b", new Value { Int64Val = 7 })], 3);
        Assert.True(shape.IsEntityKey(key));
        Assert.All(Enumerable.Range(0, key.Length), n => Assert.False(shape.IsEntityKey(key.AsSpan(0, n))));
        Assert.False(shape.IsEntityKey([.. key, 0]));
    }

    [Fact]
    public void New_UnknownVersion_NamesTheSetting()
    {
        var error = Assert.Throws<EntityKeyException>(() => new EntityKeyShape(["a"], 1));
        Assert.Contains("entity_key_serialization_version", error.Message, StringComparison.Ordinal);
    }

    private static EntityKeyShape Shape(JsonElement row, int version) => new([.. Names(row)], version);

    private static IEnumerable<string> Names(JsonElement row) =>
        row.GetProperty("join_keys").EnumerateArray().Select(k => k.GetString()!);

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
