namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>
/// The point-in-time join as a value that any engine can run; it holds no SQL. Its relations are
/// <c>point(rid, t, code0, code1, …)</c>, the labels: number, time, and a number for the entity of each key group, null where no source can have it;
/// <c>history0, history1, …(code, sid, event_time, known_time, ends, position)</c>, the rows of each view's source: <c>sid</c> names a row; it is
/// known in [known_time, ends). Times are microseconds since the epoch.
/// The answer for a label and a view is the <c>sid</c> of the row with the label's code, greatest in event time, then in known time, then by
/// <see cref="FirstOfTies"/> in position, among the rows that <see cref="KnownTime"/> admits; none if its event time is more than the ttl before the
/// label. Event time equal to the label's counts, and age equal to the ttl too. A row without a known time was known when it happened.
/// </summary>
/// <param name="KnownTime">
/// Commit admits rows with event_time ≤ t and known_time + available after ≤ t &lt; ends + available after. Event admits rows with event_time ≤ t
/// that nothing has ended yet.
/// </param>
/// <param name="FirstOfTies">Of rows equal in both times, the first by position counts, else the last. Under Event it also ranks a row without a known time below one with it, as Feast does.</param>
internal sealed record JoinPlan(IReadOnlyList<ViewJoin> Views, KnownTime KnownTime, long AvailableAfterMicros, bool FirstOfTies)
{
    /// <summary>The end of a row that nothing has ended.</summary>
    public const long Never = long.MaxValue;
}

/// <summary>One view of a join.</summary>
/// <param name="Index">Number of its history relation.</param>
/// <param name="KeyGroup">Number of its code column.</param>
/// <param name="TtlMicros">Greatest age; null for none.</param>
/// <param name="HasEnds">False if it is known that no row ends.</param>
internal sealed record ViewJoin(int Index, int KeyGroup, long? TtlMicros, bool HasEnds);
