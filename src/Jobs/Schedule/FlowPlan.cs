namespace FeatureStore.Jobs.Schedule;

/// <summary>Which intervals of a flow are due: the one rule for times that come, were missed, or are caught up.</summary>
internal static class FlowPlan
{
    /// <summary>The intervals to run that ended after <paramref name="plannedTo"/> and up to now, oldest first; never more than the flow's bound.</summary>
    public static IReadOnlyList<DataInterval> Due(Flow flow, DateTimeOffset plannedTo, DateTimeOffset now)
    {
        var due = new List<DataInterval>();
        var missed = 0;
        var end = flow.Calendar.AtOrBefore(now);
        while (end is { } fire && fire > plannedTo && due.Count < flow.CatchUpMax)
        {
            if (fire <= now - flow.MisfireAfter)
            {
                missed++;
            }

            if (flow.Calendar.Before(fire) is not { } start || IsLeftOut(flow, missed) || start < flow.StartDate)
            {
                break;
            }

            due.Add(new DataInterval(start, fire));
            end = start;
        }

        due.Reverse();
        return due;
    }

    private static bool IsLeftOut(Flow flow, int missed) => !flow.CatchUp && missed > (flow.Misfire == MisfireRule.FireOnce ? 1 : 0);
}
