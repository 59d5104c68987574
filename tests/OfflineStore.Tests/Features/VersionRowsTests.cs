using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.OfflineStore.Tests.Features;

/// <summary>A plain view over a change table, against the rule said slowly.</summary>
public sealed class VersionRowsTests : IDisposable
{
    private const long Day = 86_400_000_000;

    private static readonly LakeColumn[] Columns =
        [new("user_id", LakeType.String), new("age", LakeType.Int32), new("place", LakeType.String), new("day_start", LakeType.Date)];

    private static readonly FeatureViewModel View = new(
        "people",
        [new("user", Kind.String)],
        [new("age", Kind.Int64), new("location", Kind.String)],
        TimeSpan.Zero,
        true,
        new SourceModel("people", "demographic/people", "day_start", null, new Dictionary<string, string> { ["user_id"] = "user", ["place"] = "location" }),
        null);

    private readonly string _root = Directory.CreateTempSubdirectory("versions").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Show_UpdatedMovedAndDeleted_GivesTheAliveOrTheEmptyRow()
    {
        Append(
            _root,
            [
                Row("c", 1, "a", Day, "ann", 30, "Brno", 1), Row("u", 2, "a", 2 * Day, "ann", 31, "Brno", 1),
                Row("c", 3, "b", Day, "bob", 40, "Wien", 1), Row("d", 4, "b", 5 * Day, null, null, null, null),
                Row("c", 5, "c", Day, "cid", 50, "Graz", 2), Row("u", 6, "c", 6 * Day, "dan", 50, "Graz", 3),
            ],
            1);
        Assert.Equal(
            [
                $"ann|31|Brno|{Day}|{2 * Day}",
                $"bob|||{Day}|{5 * Day}",
                $"cid|||{2 * Day}|{6 * Day}",
                $"dan|50|Graz|{3 * Day}|{6 * Day}",
            ],
            Shown(_root, 9 * Day));
        Assert.Equal($"dan|50|Graz|{3 * Day}|{6 * Day}", Assert.Single(new FeatureReader(_root, 3).Show(View, 9 * Day, "dan", CancellationToken.None).Select(Text)));
        var batches = new FeatureReader(_root, 3).Latest(View, 2 * Day, 9 * Day, 1, CancellationToken.None).Select(b => Assert.Single(b)).OrderBy(b => User(b.EntityKey), StringComparer.Ordinal).ToList();
        Assert.Equal(["cid", "dan"], batches.Select(b => User(b.EntityKey)));
        Assert.Equal([Array.Empty<byte>(), []], batches[0].Values);
        Assert.Equal(new Value { Int64Val = 50 }, Value.Parser.ParseFrom(batches[1].Values[0]));
    }

    [Fact]
    public void Show_ColumnThatTheTableLacks_IsNamed()
    {
        Append(_root, [Row("c", 1, "a", Day, "ann", 30, "Brno", 1)], 1);
        var view = View with { Features = [new("height", Kind.Int64)] };
        Assert.Contains("height", Assert.Throws<DeltaException>(() => new FeatureReader(_root, 3).Show(view, Day, null, CancellationToken.None)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Show_RandomHistories_AgreesWithTheSlowRule()
    {
        for (var seed = 0; seed < 8; seed++)
        {
            var random = new Random(seed);
            var history = History(random);
            var root = Path.Combine(_root, $"{seed}");
            Append(root, [.. history.Where((_, i) => i % 2 == 0)], 1);
            Append(root, [.. history.Where((_, i) => i % 2 == 1)], 2);
            foreach (var end in new[] { 5, 30 })
            {
                var expected = Naive(history, end * Day);
                var actual = Shown(root, end * Day);
                Assert.True(expected.SequenceEqual(actual), $"seed {seed}, end {end}: missing [{string.Join("; ", expected.Except(actual).Take(3))}], too many [{string.Join("; ", actual.Except(expected).Take(3))}]");
                var start = 8 * Day;
                var inRange = new FeatureReader(root, 3).Latest(View, start, end * Day, 7, CancellationToken.None).SelectMany(b => b).Select(r => r.EventTimeMicros);
                Assert.Equal(expected.Select(e => long.Parse(e.Split('|')[3], null)).Where(t => t >= start).Order(), inRange.Order());
            }
        }
    }

    private static List<ChangeRow> History(Random random)
    {
        var rows = new List<ChangeRow>();
        for (var key = 0; key < 40; key++)
        {
            var versions = random.Next(1, 6);
            for (var v = 0; v < versions; v++)
            {
                var op = v == 0 ? "c" : random.Next(3) == 0 ? "d" : "u";
                int? day = random.Next(12) == 0 ? null : random.Next(1, 16);
                var user = random.Next(15) == 0 ? null : $"u{random.Next(12)}";
                string[] unavailable = op == "u" && random.Next(4) == 0 ? ["place"] : [];
                var place = unavailable.Length > 0 || random.Next(8) == 0 ? null : $"p{random.Next(9)}";
                var row = Row(op, ((v + 1) * 100) + random.Next(50), $"k{key:00}", random.NextInt64(20) * Day, user, random.Next(90), place, day);
                rows.Add(row with { Unavailable = unavailable });
                if (random.Next(6) == 0)
                {
                    rows.Add(rows[^1]);
                }
            }
        }

        return [.. rows.OrderBy(_ => random.Next())];
    }

    private static List<string> Naive(List<ChangeRow> history, long end)
    {
        var rows = new List<(string User, object? Age, object? Place, long Time, long Known, long? Ended, string Key)>();
        foreach (var key in history.GroupBy(r => r.Key!))
        {
            var ordered = key.DistinctBy(r => (r.Lsn, r.Part)).OrderBy(r => r.Lsn).ThenBy(r => r.Part).ToList();
            long known = long.MinValue;
            object? place = null;
            var first = rows.Count;
            for (var i = 0; i < ordered.Count; i++)
            {
                var row = ordered[i];
                known = Math.Max(known, row.CommitTimeMicros);
                for (var r = first; r < rows.Count; r++)
                {
                    rows[r] = rows[r] with { Ended = rows[r].Ended ?? known };
                }

                place = row.Op == "d" || row.Unavailable.Contains("place") ? place : row.Values[2];
                if (row.Op != "d" && row.Values[0] is string user && row.Values[3] is DateOnly day)
                {
                    rows.Add((user, row.Values[1], place, (day.DayNumber - new DateOnly(1970, 1, 1).DayNumber) * Day, known, null, key.Key));
                }
            }
        }

        return [.. rows.Where(r => r.Time <= end).GroupBy(r => r.User).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g =>
            g.Where(r => r.Ended is null).OrderByDescending(r => r.Time).ThenByDescending(r => r.Known).ThenBy(r => r.Key, StringComparer.Ordinal)
                .Select(r => $"{r.User}|{r.Age}|{r.Place}|{r.Time}|{r.Known}").FirstOrDefault()
            ?? $"{g.Key}|||{g.Max(r => r.Time)}|{g.Max(r => r.Ended)}")];
    }

    private static ChangeRow Row(string op, long lsn, string key, long known, string? user, int? age, string? place, int? day) =>
        new(op, "s", lsn, 0, key, known, [], [user, age, place, day is { } d ? new DateOnly(1970, 1, 1).AddDays(d) : null]);

    private static void Append(string root, IReadOnlyList<ChangeRow> rows, long version) =>
        ChangeTable.Open(root, "demographic/people", Columns).Append(rows, new LakeTxn("test", version), CancellationToken.None);

    private static List<string> Shown(string root, long asOf) => [.. new FeatureReader(root, 3).Show(View, asOf, null, CancellationToken.None).Select(Text)];

    private static string Text(ShownRow row) => $"{row.Keys[0]}|{row.Values[0]}|{row.Values[1]}|{row.EventTimeMicros}|{row.CreatedTimeMicros}";

    private static string User(byte[] key) => new[] { "ann", "bob", "cid", "dan" }.Single(u => EntityKeyEncoder.Encode([("user", new Value { StringVal = u })], 3).SequenceEqual(key));
}
