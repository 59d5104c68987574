using FeatureStore.OfflineStore.PointInTime;
using FeatureStore.OfflineStore.Tests.Features;

namespace FeatureStore.OfflineStore.Tests.PointInTime;

/// <summary>A row that a view could give: when it happened, when it was known, and its values as text. The last of equals counts.</summary>
internal sealed record Candidate(string User, long Event, long? Known, string Values);

/// <summary>The join said slowly: for each label all rows are looked at.</summary>
internal sealed class NaiveJoin(JoinRules rules)
{
    private const long Never = long.MaxValue;

    private bool ByCommit => rules.KnownTime == KnownTime.Commit;

    private long After => rules.AvailableAfter.Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>What is known for a label.</summary>
    private long Now(long time) => ByCommit ? time - After : Never - 1;

    /// <summary>From a table of rows with two times.</summary>
    public string Newest(IEnumerable<Candidate> rows, string? user, long time, long ttl, string none)
    {
        Candidate? best = null;
        foreach (var row in rows.Where(r => r.User == user && r.Event <= time && (!ByCommit || (r.Known ?? r.Event) + After <= time)))
        {
            if (best is null || row.Event > best.Event || (row.Event == best.Event && (row.Known ?? row.Event) >= (best.Known ?? best.Event)))
            {
                best = row;
            }
        }

        return best is null || (ttl > 0 && best.Event < time - ttl) ? none : best.Values;
    }

    /// <summary>From the versions of a change table: the newest that is alive.</summary>
    public string Alive(IReadOnlyList<NaiveFeatures.Version> versions, string? user, long time, long ttl, string none, Func<NaiveFeatures.Version, string> values)
    {
        var best = Known(versions, user, time).Where(v => (long)v.Values[3]! <= time)
            .OrderByDescending(v => (long)v.Values[3]!).ThenByDescending(v => v.Known)
            .ThenBy(v => v.Source, StringComparer.Ordinal).ThenBy(v => v.Key, StringComparer.Ordinal).FirstOrDefault();
        return best is null || (ttl > 0 && (long)best.Values[3]! < time - ttl) ? none : values(best);
    }

    /// <summary>The window that ends at the label.</summary>
    public string Window(IReadOnlyList<NaiveFeatures.Version> versions, string? user, long time, bool zero, string none)
    {
        var history = Known(versions, user, time).Where(v => (long)v.Values[3]! < time).ToList();
        var members = history.Where(v => (long)v.Values[3]! >= time - (7 * BankView.Day)).ToList();
        return members.Count == 0 && !(zero && history.Count > 0) ? none : NaiveFeatures.Features(members);
    }

    private IEnumerable<NaiveFeatures.Version> Known(IReadOnlyList<NaiveFeatures.Version> versions, string? user, long time) =>
        versions.Where(v => !v.Deleted && v.Known <= Now(time) && Now(time) < v.KnownNext && user is not null && (string?)v.Values[0] == user && v.Values[3] is long);
}
