using System.Globalization;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.Tests.Features;

/// <summary>The window rule said slowly: for each user and T, f is computed afresh at every known time.</summary>
internal static class NaiveFeatures
{
    private sealed record Version(long Known, long KnownNext, bool Deleted, object?[] Values);

    public static List<string> Rows(IReadOnlyList<ChangeRow> delivered, IReadOnlyList<long> times, bool zero)
    {
        var versions = delivered.GroupBy(r => r.Key).SelectMany(Versions).ToList();
        var users = versions.Select(v => (string?)v.Values[0]).OfType<string>().Distinct().ToList();
        var instants = versions.Select(v => v.Known).Distinct().Order().ToList();
        var rows = new List<string>();
        foreach (var user in users)
        {
            foreach (var t in times)
            {
                string? before = null;
                foreach (var k in instants.Where(k => k > t).Prepend(t))
                {
                    var alive = versions.Where(v => !v.Deleted && v.Known <= k && k < v.KnownNext
                        && (string?)v.Values[0] == user && v.Values[3] is long time && time < t).ToList();
                    var members = alive.Where(v => (long)v.Values[3]! >= t - (7 * BankView.Day)).ToList();
                    if (before is null && members.Count == 0 && !(zero && alive.Count > 0))
                    {
                        continue;
                    }

                    var now = Features(members);
                    if (now != before)
                    {
                        rows.Add($"{user}|{now}|{t}|{k}");
                    }

                    before = now;
                }
            }
        }

        rows.Sort(StringComparer.Ordinal);
        return rows;
    }

    public static string Text(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } s ? s : "null";

    private static IEnumerable<Version> Versions(IEnumerable<ChangeRow> rows)
    {
        var ordered = rows.DistinctBy(r => (r.Lsn, r.Part)).OrderBy(r => r.Lsn).ThenBy(r => r.Part).ToList();
        var known = new long[ordered.Count];
        object?[] last = new object?[BankView.Columns.Length];
        var values = new List<object?[]>();
        for (var i = 0; i < ordered.Count; i++)
        {
            known[i] = i == 0 ? ordered[i].CommitTimeMicros : Math.Max(known[i - 1], ordered[i].CommitTimeMicros);
            var row = ordered[i];
            var previous = last;
            last = [.. BankView.Columns.Select((c, n) => row.Unavailable.Contains(c.Name) ? previous[n] : row.Values[n])];
            values.Add(last);
        }

        return ordered.Select((r, i) => new Version(known[i], i + 1 < known.Length ? known[i + 1] : long.MaxValue, r.Op == "d", values[i]));
    }

    private static string Features(List<Version> members)
    {
        var amounts = members.Select(m => m.Values[1]).OfType<double>().Order().ToList();
        var total = 0.0;
        foreach (var amount in amounts)
        {
            total += amount;
        }

        object?[] values =
        [
            (long)members.Count, total, amounts.Count == 0 ? null : total / amounts.Count,
            amounts.Count == 0 ? null : amounts[0], amounts.Count == 0 ? null : amounts[^1],
            (long)members.Select(m => m.Values[2]).OfType<string>().Distinct().Count(),
        ];
        return string.Join('|', values.Select(Text));
    }
}
