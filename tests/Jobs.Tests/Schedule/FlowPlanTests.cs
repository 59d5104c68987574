using FeatureStore.Jobs.Schedule;

namespace FeatureStore.Jobs.Tests.Schedule;

public sealed class FlowPlanTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 2, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("Europe/Prague", 2026)]
    [InlineData("America/New_York", 2026)]
    [InlineData("Australia/Lord_Howe", 2026)]
    [InlineData("UTC", 2026)]
    public void Calendar_DailyInAYearWithSummerTime_FiresOnceEachLocalDay(string zone, int year)
    {
        var calendar = FlowCalendar.Parse("30 2 * * *", zone);
        var days = new List<DateOnly>();
        for (var time = calendar.After(new DateTimeOffset(year, 1, 1, 12, 0, 0, TimeSpan.Zero)); time < new DateTimeOffset(year + 1, 1, 1, 12, 0, 0, TimeSpan.Zero); time = calendar.After(time!.Value))
        {
            var local = TimeZoneInfo.ConvertTime(time!.Value, calendar.Zone);
            days.Add(DateOnly.FromDateTime(local.DateTime));
            Assert.Equal(time.Value.AddDays(0), calendar.Before(calendar.After(time.Value)!.Value));
        }

        Assert.Equal(Enumerable.Range(0, 365).Select(i => days[0].AddDays(i)), days);
    }

    [Fact]
    public void Calendar_HourThatIsSkippedAndHourThatComesTwice_FiresWhenTheClocksMovedAndTheFirstTime()
    {
        var calendar = FlowCalendar.Parse("30 2 * * *", "Europe/Prague");
        Assert.Equal(At("2026-03-29T01:00:00Z"), calendar.After(At("2026-03-28T12:00:00Z")));
        Assert.Equal(At("2026-10-25T00:30:00Z"), calendar.After(At("2026-10-24T12:00:00Z")));
        Assert.Equal(At("2026-10-26T01:30:00Z"), calendar.After(At("2026-10-25T00:30:00Z")));
    }

    [Theory]
    [InlineData("30 * * * *", 60)]
    [InlineData("*/15 * * * *", 15)]
    public void Calendar_WithinTheDay_LeavesNoHourOutWhenTheClocksChange(string cron, int minutes)
    {
        var calendar = FlowCalendar.Parse(cron, "Europe/Prague");
        foreach (var day in new[] { At("2026-03-29T00:00:00Z"), At("2026-10-25T00:00:00Z") })
        {
            var times = new List<DateTimeOffset> { calendar.After(day.AddHours(-3))!.Value };
            while (times[^1] < day.AddHours(3))
            {
                times.Add(calendar.After(times[^1])!.Value);
            }

            Assert.All(times.Zip(times.Skip(1)), p => Assert.InRange(p.Second - p.First, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(minutes)));
        }
    }

    [Theory]
    [InlineData("* * *", "UTC", "'* * *' is no cron expression")]
    [InlineData("61 2 * * *", "UTC", "'61 2 * * *' is no cron expression")]
    [InlineData("30 2 * * *", "Mars/Base", "'Mars/Base' is no time zone")]
    [InlineData("30 2 * * *", "../../etc/passwd", "is no time zone")]
    public void Calendar_OfWrongText_SaysWhichAndHow(string cron, string zone, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => FlowCalendar.Parse(cron, zone)).Message, StringComparison.Ordinal);

    [Fact]
    public void Due_OnTime_IsTheIntervalThatEnds()
    {
        var due = FlowPlan.Due(Daily(), Start.AddHours(-1), Start.AddSeconds(2));
        Assert.Equal([new DataInterval(Start.AddDays(-1), Start)], due);
        Assert.Empty(FlowPlan.Due(Daily(), Start.AddSeconds(2), Start.AddHours(5)));
    }

    [Theory]
    [InlineData(MisfireRule.FireOnce, 1)]
    [InlineData(MisfireRule.Skip, 0)]
    public void Due_AfterMissedTimes_GoesByTheRule(MisfireRule rule, int missedRuns)
    {
        var flow = Daily() with { Misfire = rule };
        var due = FlowPlan.Due(flow, Start.AddDays(-5), Start.AddHours(3));
        Assert.Equal(missedRuns, due.Count);
        Assert.All(due, i => Assert.Equal(Start, i.End));

        // A time that comes after missed ones is none of them.
        due = FlowPlan.Due(flow, Start.AddDays(-5), Start.AddSeconds(30));
        Assert.Equal(missedRuns + 1, due.Count);
        Assert.Equal(Start, due[^1].End);
    }

    [Fact]
    public void Due_WithCatchUp_TakesTheNewestUpToTheBoundOldestFirst()
    {
        var flow = Daily() with { CatchUp = true, CatchUpMax = 4 };
        var due = FlowPlan.Due(flow, Start.AddDays(-10), Start.AddHours(3));
        Assert.Equal([-3, -2, -1, 0], due.Select(i => (int)(i.End - Start).TotalDays));
        Assert.Equal([-1, 0], FlowPlan.Due(flow, Start.AddDays(-2), Start.AddHours(3)).Select(i => (int)(i.End - Start).TotalDays));
        Assert.Equal([0], FlowPlan.Due(flow with { StartDate = Start.AddDays(-1) }, Start.AddDays(-9), Start.AddHours(3)).Select(i => (int)(i.End - Start).TotalDays));
    }

    [Fact]
    public void Between_ARange_GivesWholeIntervalsWithTheirLogicalDates()
    {
        var calendar = FlowCalendar.Parse("0 0 * * *", "UTC");
        var intervals = calendar.Between(Start.AddDays(-3), Start, Start.AddHours(1)).ToArray();
        Assert.Equal([-3, -2, -1], intervals.Select(i => (int)(i.Start - Start).TotalDays));
        Assert.Equal(intervals[^1], calendar.LastEnded(Start.AddHours(1)));
    }

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    private static Flow Daily() => new("daily", FlowCalendar.Parse("0 0 * * *", "UTC"), [new FlowStep("one", "work")]);
}
