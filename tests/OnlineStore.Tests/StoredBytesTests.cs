using System.Text.Json;
using FeatureStore.Contract.Values;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Value = Feast.Types.Value;

namespace FeatureStore.OnlineStore.Tests;

public sealed class StoredBytesTests
{
    [Theory]
    [InlineData("bank_features")]
    [InlineData("ext_features")]
    public void IsValue_EveryRecordedValue_IsOne(string project)
    {
        var hashes = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", $"{project}_redis.json"))).RootElement;
        foreach (var field in hashes.EnumerateArray().SelectMany(h => h.GetProperty("hash").EnumerateObject()))
        {
            var isFeature = field.Name.Length == 2 * sizeof(uint);
            var bytes = Convert.FromHexString(field.Value.GetString()!);
            Assert.True(!isFeature || bytes.Length == 0 || StoredBytes.IsValue(bytes), $"{field.Name}={field.Value}");
        }
    }

    [Theory]
    [InlineData("20")]
    [InlineData("2080")]
    [InlineData("200101")]
    [InlineData("2900")]
    [InlineData("29000000000000000000")]
    [InlineData("120261")]
    [InlineData("1201ff")]
    [InlineData("12")]
    [InlineData("68656c6c6f")]
    [InlineData("ffffffff")]
    [InlineData("a80601")]
    public void IsValue_Garbage_IsNone(string hex) => Assert.False(StoredBytes.IsValue(Convert.FromHexString(hex)));

    [Fact]
    public void IsValue_RandomBytes_AgreesWithTheMessageParser()
    {
        for (var seed = 0; seed < 5_000; seed++)
        {
            var random = new Random(seed);
            var bytes = new byte[random.Next(1, 14)];
            random.NextBytes(bytes);
            bytes[0] = random.Next(3) == 0 ? bytes[0] : (byte)(random.Next(16) << 3 | new[] { 0, 1, 2, 5 }[random.Next(4)]);
            Assert.Equal((seed, IsMessage(bytes)), (seed, StoredBytes.IsValue(bytes)));
        }
    }

    [Theory]
    [InlineData("ff")]
    [InlineData("08")]
    [InlineData("10ffffffffffffffffff01")]
    [InlineData("08808080808080808001")]
    public void EventTimeMicros_Garbage_NamesTheView(string hex)
    {
        var error = Assert.Throws<OnlineStoreException>(
            () => StoredBytes.EventTimeMicros(new OnlineTable("p", "weekly", []), Convert.FromHexString(hex)));
        Assert.Contains("weekly", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1_793_491_200_123_456)]
    [InlineData(-62_135_596_800_000_000)]
    [InlineData(253_402_300_799_999_999)]
    public void EventTimeMicros_OfWhatIsWritten_IsTheSame(long micros) =>
        Assert.Equal(micros, StoredBytes.EventTimeMicros(new OnlineTable("p", "v", []), ValueBytes.Timestamp(micros)));

    [Fact]
    public void EventTimeMicros_RandomBytes_AgreesWithTheMessageParser()
    {
        var table = new OnlineTable("p", "v", []);
        for (var seed = 0; seed < 5_000; seed++)
        {
            var random = new Random(seed);
            var time = new Timestamp { Seconds = random.NextInt64(-63_000_000_000, 254_000_000_000), Nanos = random.Next(-5, 1_000_000_100) };
            var isInRange = time is { Seconds: >= -62_135_596_800 and <= 253_402_300_799, Nanos: >= 0 and < 1_000_000_000 };
            var error = Record.Exception(() =>
                Assert.Equal((time.Seconds * 1_000_000) + (time.Nanos / 1_000), StoredBytes.EventTimeMicros(table, time.ToByteArray())));
            Assert.True(isInRange ? error is null : error is OnlineStoreException, $"seed {seed}: {time.Seconds}, {time.Nanos}: {error}");
            var garbage = new byte[random.Next(0, 12)];
            random.NextBytes(garbage);
            Assert.True(Record.Exception(() => StoredBytes.EventTimeMicros(table, garbage)) is null or OnlineStoreException, $"seed {seed}");
        }
    }

    private static bool IsMessage(byte[] bytes)
    {
        try
        {
            return Value.Parser.ParseFrom(bytes).ValCase != Value.ValOneofCase.None;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }
}
