using FeatureStore.Registry.Definitions;

namespace FeatureStore.Registry.Tests.Definitions;

public sealed class DurationTextTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("14d", 1_209_600)]
    [InlineData("1w", 604_800)]
    [InlineData("1d12h", 129_600)]
    [InlineData("90m", 5_400)]
    [InlineData("2h30m15s", 9_015)]
    [InlineData("36500d", 3_153_600_000)]
    public void TryParse_Form_ReadsSeconds(string text, long seconds)
    {
        Assert.True(DurationText.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromSeconds(seconds), duration);
        Assert.True(DurationText.TryParse(DurationText.Format(duration), out var again));
        Assert.Equal(duration, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("14")]
    [InlineData("-1d")]
    [InlineData("1.5d")]
    [InlineData("12h1d")]
    [InlineData("1 d")]
    [InlineData("1D")]
    [InlineData("36501d")]
    [InlineData("36500d1s")]
    [InlineData("99999999999999999999d")]
    [InlineData("7d\n")]
    [InlineData("٧d")]
    public void TryParse_AnythingElse_IsRefused(string text) => Assert.False(DurationText.TryParse(text, out _));

    [Theory]
    [InlineData(604_800, "7d")]
    [InlineData(129_600, "36h")]
    [InlineData(61, "61s")]
    [InlineData(0, "0")]
    public void Format_Seconds_IsTheShortestInOneUnit(long seconds, string text) =>
        Assert.Equal(text, DurationText.Format(TimeSpan.FromSeconds(seconds)));
}
