using Feast.Types;
using FeatureStore.Contract.Values;
using Google.Protobuf;

namespace FeatureStore.Contract.Tests.Values;

public sealed class ValueCheckTests
{
    [Fact]
    public void IsWellFormed_EveryRecordedValue_Passes()
    {
        var passed = 0;
        foreach (var row in GoldenFile.Load("values.json").GetProperty("cases").EnumerateArray())
        {
            if (row.TryGetProperty("hex", out var hex))
            {
                Assert.True(ValueCheck.IsWellFormed(Convert.FromHexString(hex.GetString()!)), row.GetProperty("name").GetString());
                passed++;
            }
        }

        Assert.True(passed > 90);
    }

    [Theory]
    [InlineData("20")]
    [InlineData("20ffffffffffffffffffff01")]
    [InlineData("2900")]
    [InlineData("3500")]
    [InlineData("12057a")]
    [InlineData("1201ff")]
    [InlineData("0001")]
    [InlineData("23")]
    [InlineData("72030a01ff")]
    [InlineData("7a020a01")]
    [InlineData("a2010c0a0a0a016112050a0301")]
    public void IsWellFormed_Damaged_Fails(string hex) => Assert.False(ValueCheck.IsWellFormed(Convert.FromHexString(hex)));

    [Fact]
    public void IsWellFormed_NestedBeyondWhatParsersTake_Fails()
    {
        var value = new Value { Int64Val = 1 };
        for (var depth = 0; depth < 60; depth++)
        {
            value = new Value { ListVal = new RepeatedValue { Val = { value } } };
        }

        Assert.False(ValueCheck.IsWellFormed(value.ToByteArray()));
    }

    /// <summary>Whatever passes, the library's parser takes: seeded damage to real values.</summary>
    [Fact]
    public void IsWellFormed_AnyBytes_NeverPassesWhatTheParserRefuses()
    {
        const int Seed = 20_261_124;
        var random = new Random(Seed);
        var samples = GoldenFile.Load("values.json").GetProperty("cases").EnumerateArray()
            .Where(r => r.TryGetProperty("hex", out _)).Select(r => Convert.FromHexString(r.GetProperty("hex").GetString()!)).Where(b => b.Length > 0).ToArray();
        for (var run = 0; run < 50_000; run++)
        {
            var bytes = (byte[])samples[random.Next(samples.Length)].Clone();
            for (var change = 0; change < random.Next(1, 3); change++)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            bytes = bytes[..random.Next(bytes.Length + 1)];
            if (ValueCheck.IsWellFormed(bytes))
            {
                var fault = Record.Exception(() => Value.Parser.ParseFrom(bytes));
                Assert.True(fault is null, $"seed {Seed}, run {run}: {Convert.ToHexString(bytes)}: {fault?.Message}");
            }
        }
    }
}
