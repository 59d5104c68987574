using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Tests.Features;

namespace FeatureStore.OfflineStore.Tests.PointInTime;

/// <summary>A label: two entities, and the time.</summary>
internal sealed record Label(string? User, string? Other, long Time);

/// <summary>A row of a table of scores; it may be known before or after it happened, or not say when.</summary>
internal sealed record Score(string? User, long Value, long Event, long? Created);

/// <summary>Scores and labels beside a <see cref="RandomHistory"/> of the same seed, their times on and just beside the moments at which something changes.</summary>
internal static class RandomLabels
{
    private const long Day = BankView.Day;
    private const int LabelsPerSeed = 12;
    private const int ScoresPerSeed = 14;

    public static List<Score> Scores(int seed)
    {
        var random = new Random(seed * 31);
        var scores = new List<Score>();
        for (var i = 0; i < ScoresPerSeed; i++)
        {
            // Few moments, so that rows tie.
            var time = (16 * Day) + (random.Next(12) * Day);
            long? created = random.Next(8) switch
            {
                0 => null,
                1 => time - Day,
                2 or 3 => time + random.NextInt64(4 * Day),
                4 => time + (random.Next(3) * Day),
                _ => time,
            };
            scores.Add(new Score(random.Next(20) == 0 ? null : User(seed, random), random.Next(1000), time, created));
        }

        return scores;
    }

    public static List<Label> Labels(int seed, IReadOnlyList<ChangeRow> history, IReadOnlyList<Score> scores, IReadOnlyList<long> ages)
    {
        var random = new Random(seed * 17);
        List<long> moments =
        [
            .. history.Select(r => r.CommitTimeMicros), .. history.Select(r => r.Values[3]).OfType<long>(),
            .. scores.Select(s => s.Event), .. scores.Select(s => s.Created).OfType<long>(),
        ];
        var labels = new List<Label>();
        for (var i = 0; i < LabelsPerSeed; i++)
        {
            var time = random.Next(5) == 0
                ? random.NextInt64(12 * Day, 45 * Day)
                : moments[random.Next(moments.Count)] + ages[random.Next(ages.Count)] + random.Next(-1, 2);
            labels.Add(new Label(User(seed, random), random.Next(10) == 0 ? null : User(seed, random), time));
            if (random.Next(6) == 0)
            {
                labels.Add(labels[^1]);
            }
        }

        return labels;
    }

    // The last one is unknown to most sources.
    private static string User(int seed, Random random) => $"s{seed}.u{random.Next(4)}";
}
