using System.Globalization;
using FeatureStore.Contract.Values;

namespace FeatureStore.Serving.Tests.Robustness;

/// <summary>A clock that leaps an hour either way, by both APIs: the status is always that of the moment of the answer.</summary>
public sealed class SteppingClockTests
{
    private const int Steps = 150;
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task Ask_ClockStepsAnHourEitherWay_NeverPresentPastTheTtlNorTooOldBefore()
    {
        await using var bank = await ServedBank.StartAsync();
        bank.PutWeekly("u1", ValueBytes.Int64(3), ValueBytes.Null, ValueBytes.Null);
        var edge = ServedBank.EventTime + ServedBank.Ttl;
        var random = new Random(Fuzzing.Seed);
        var present = 0;
        bank.Time.Now = edge;
        for (var step = 0; step < Fuzzing.Times(Steps); step++)
        {
            // Back towards the edge when the walk has left it, so that both sides are met often; milliseconds meet the edge itself.
            var forward = bank.Time.Now < edge - (2 * Hour) || (bank.Time.Now <= edge + (2 * Hour) && random.Next(2) == 0);
            bank.Time.Now += (forward ? Hour : -Hour) + TimeSpan.FromMilliseconds(random.Next(-1, 2));
            var expected = bank.Time.Now - ServedBank.EventTime > ServedBank.Ttl ? "OUTSIDE_MAX_AGE" : "PRESENT";
            present += expected == "PRESENT" ? 1 : 0;
            var (grpc, http) = await bank.AskBothAsync("weekly:count", "u1", "nobody");
            var where = $"seed {Fuzzing.Seed}, step {step}, {(bank.Time.Now - edge).TotalMilliseconds.ToString(CultureInfo.InvariantCulture)} ms past the edge";
            Assert.True(grpc is [var a, "null NOT_FOUND"] && a == $"3 {expected}", $"{where}: gRPC {string.Join(", ", grpc)}");
            Assert.True(http is [var b, "null NOT_FOUND"] && b == $"3 {expected}", $"{where}: HTTP {string.Join(", ", http)}");
        }

        Assert.InRange(present, 1, Fuzzing.Times(Steps) - 1);
    }

    [Theory]
    [InlineData(-1, "PRESENT")]
    [InlineData(0, "PRESENT")]
    [InlineData(1, "OUTSIDE_MAX_AGE")]
    public async Task Ask_AtTheEdge_IsExactToTheMillisecondByBoth(int millis, string status)
    {
        await using var bank = await ServedBank.StartAsync();
        bank.PutWeekly("u1", ValueBytes.Int64(3), ValueBytes.Null, ValueBytes.Null);
        foreach (var leap in new[] { Hour, -Hour, TimeSpan.Zero })
        {
            bank.Time.Now = ServedBank.EventTime + ServedBank.Ttl + leap;
            await bank.AskBothAsync("weekly:count", "u1");
        }

        bank.Time.Now += TimeSpan.FromMilliseconds(millis);
        var (grpc, http) = await bank.AskBothAsync("weekly:count", "u1");
        Assert.Equal([$"3 {status}"], grpc);
        Assert.Equal([$"3 {status}"], http);
    }
}
