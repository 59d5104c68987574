using System.Globalization;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.Tests.Features;

/// <summary>The window rule said slowly: for each user and T, f is computed afresh at every known time.</summary>
internal static class NaiveFeatures
{
    /// <summary>What a row of the source was from one known time to the next.</summary>
    public sealed record Version(string Source, string Key, long Known, bool Deleted, object?[] Values)
    {
        public long KnownNext { get; set; } = long.MaxValue;
    }

    public static List<string> Rows(IReadOnlyList<ChangeRow> delivered, IReadOnlyList<long> times, bool zero)
    {
        var versions = Versions(delivered);
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

    /// <summary>The rows that live at a known time, each with the time from which it was known.</summary>
    public static List<string> Alive(IReadOnlyList<ChangeRow> delivered, long knownAt) =>
    [
        .. Versions(delivered).Where(v => !v.Deleted && v.Known <= knownAt && knownAt < v.KnownNext)
            .Select(v => $"{string.Join('|', v.Values.Select(Text))}|{v.Known}").Order(StringComparer.Ordinal),
    ];

    public static string Text(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } s ? s : "null";

    public static List<Version> Versions(IReadOnlyList<ChangeRow> delivered) => [.. delivered.GroupBy(r => r.Source).SelectMany(Walk)];

    /// <summary>Walks one source's log in its order, with what each key holds so far.</summary>
    private static List<Version> Walk(IEnumerable<ChangeRow> rows)
    {
        var versions = new List<Version>();
        var newest = new Dictionary<string, Version>();
        var held = new Dictionary<string, object?[]>();
        var nothing = new object?[BankView.Columns.Length];
        (string Key, long Lsn)? gone = null;
        foreach (var row in rows.DistinctBy(r => (r.Key, r.Lsn, r.Part)).OrderBy(r => r.Lsn).ThenBy(r => r.Part))
        {
            if (row.Op == "t")
            {
                foreach (var key in newest.Keys.ToList())
                {
                    Add(key, row, nothing);
                }

                continue;
            }

            if (row.Op == "d")
            {
                gone = (row.Key!, row.Lsn);
                Add(row.Key!, row, nothing);
                continue;
            }

            var before = row.Op == "u" ? held.GetValueOrDefault(row.Key!, nothing)
                : row.Part == 1 && gone is { } old && old.Lsn == row.Lsn ? held.GetValueOrDefault(old.Key, nothing)
                : nothing;
            held[row.Key!] = [.. BankView.Columns.Select((c, n) => row.Unavailable.Contains(c.Name) ? before[n] : row.Values[n])];
            Add(row.Key!, row, held[row.Key!]);
        }

        return versions;

        void Add(string key, ChangeRow row, object?[] values)
        {
            var known = row.CommitTimeMicros;
            if (newest.TryGetValue(key, out var previous))
            {
                known = Math.Max(known, previous.Known);
                previous.KnownNext = known;
            }

            newest[key] = new Version(row.Source, key, known, row.Op is "d" or "t", values);
            versions.Add(newest[key]);
        }
    }

    /// <summary>The features of the rows in a window, as text.</summary>
    public static string Features(List<Version> members)
    {
        // As in SQL, NaN is the greatest number of all; zero has one sign in the lake.
        var amounts = members.Select(m => m.Values[1]).OfType<double>().Select(a => a + 0.0).OrderBy(double.IsNaN).ThenBy(a => a).ToList();
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
