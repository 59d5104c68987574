using System.Text.Json;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.PointInTime;

namespace FeatureStore.OfflineStore.Tests.PointInTime;

/// <summary>A plan is a value without SQL: another dialect, here of plain correlated subqueries, gives the same answers from the same relations.</summary>
public sealed class EngineSeamTests
{
    [Theory]
    [InlineData(KnownTime.Commit, 0, false)]
    [InlineData(KnownTime.Commit, 2, false)]
    [InlineData(KnownTime.Event, 0, false)]
    [InlineData(KnownTime.Event, 3, true)]
    [InlineData(KnownTime.Commit, 1, true)]
    public void Plan_CompiledByTwoDialects_GivesTheSameAnswers(KnownTime known, long after, bool firstOfTies)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            using var database = DuckDbDatabase.Open(null, new DuckDbOptions(256, 1));
            using var connection = database.Connect();
            Fill(connection, new Random(seed));
            var plan = new JoinPlan([new ViewJoin(0, 0, 4, true), new ViewJoin(1, 1, null, false), new ViewJoin(2, 0, 0, true)], known, after, firstOfTies);
            var duck = new DuckDbJoin(plan);
            foreach (var view in plan.Views)
            {
                connection.Execute($"CREATE TEMP TABLE best{view.Index} AS {duck.Best(view)}");
            }

            var expected = Rows(connection, PlainDialect.Match(plan));
            Assert.Equal(60, expected.Count);
            Assert.True(
                expected.SequenceEqual(Rows(connection, $"SELECT * FROM ({duck.Match(v => $"best{v.Index}", new HashSet<int>(), new HashSet<int>(), new HashSet<int>(), 0, 60)}) ORDER BY rid")),
                $"seed {seed}: {string.Join(" ", expected)} and not {string.Join(" ", Rows(connection, $"SELECT * FROM ({duck.Match(v => $"best{v.Index}", new HashSet<int>(), new HashSet<int>(), new HashSet<int>(), 0, 60)}) ORDER BY rid"))}");
        }
    }

    [Fact]
    public void Plan_AsJson_IsWhollyKept()
    {
        var plan = new JoinPlan([new ViewJoin(0, 1, 5, true), new ViewJoin(3, 0, null, false)], KnownTime.Event, 7, true);
        var again = JsonSerializer.Deserialize<JoinPlan>(JsonSerializer.Serialize(plan))!;
        Assert.Equal(plan.Views, again.Views);
        Assert.Equal(plan with { Views = again.Views }, again);
    }

    // Small numbers, so that nearly everything ties or meets.
    private static void Fill(DuckDbConnection connection, Random random)
    {
        connection.Execute("CREATE TABLE point (rid BIGINT, t BIGINT, code0 INTEGER, code1 INTEGER)");
        connection.Execute($"INSERT INTO point VALUES {string.Join(", ", Enumerable.Range(0, 60).Select(i => $"({i}, {random.Next(14)}, {Code()}, {Code()})"))}");
        for (var view = 0; view < 3; view++)
        {
            connection.Execute($"CREATE TABLE history{view} (code INTEGER, sid BIGINT, event_time BIGINT, known_time BIGINT, ends BIGINT, position BIGINT)");
            var rows = Enumerable.Range(0, 25).Select(i =>
            {
                var known = random.Next(12);
                var ends = view == 1 || random.Next(2) == 0 ? JoinPlan.Never : known + 1 + random.Next(5);
                return $"({random.Next(3)}, {i}, {random.Next(10)}, {(ends == JoinPlan.Never && random.Next(6) == 0 ? "NULL" : known)}, {ends}, {i})";
            });
            connection.Execute($"INSERT INTO history{view} VALUES {string.Join(", ", rows)}");
        }

        string Code() => random.Next(8) == 0 ? "NULL" : $"{random.Next(4)}";
    }

    private static List<string> Rows(DuckDbConnection connection, string sql)
    {
        var rows = new List<string>();
        using var reader = connection.Query(sql);
        while (reader.NextChunk())
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                var row = r;
                rows.Add(string.Join(',', Enumerable.Range(0, reader.ColumnCount).Select(c => reader.Int64(c, row))));
            }
        }

        return rows;
    }

    /// <summary>What every SQL engine has: a subquery for each label and view.</summary>
    private static class PlainDialect
    {
        public static string Match(JoinPlan plan) => $"""
            SELECT p.rid{string.Concat(plan.Views.Select(v => $", coalesce({Newest(plan, v)}, -1)"))} FROM point p ORDER BY p.rid
            """;

        private static string Newest(JoinPlan plan, ViewJoin view)
        {
            var known = "coalesce(h.known_time, h.event_time)";
            var admits = plan.KnownTime == KnownTime.Event
                ? $"h.ends = {JoinPlan.Never}"
                : $"{known} <= p.t - {plan.AvailableAfterMicros} AND h.ends > p.t - {plan.AvailableAfterMicros}";
            var rank = plan.FirstOfTies && plan.KnownTime == KnownTime.Event ? "h.known_time DESC NULLS LAST" : $"{known} DESC";
            return $"""
                (SELECT CASE WHEN {(view.TtlMicros is { } ttl ? $"h.event_time >= p.t - {ttl}" : "true")} THEN h.sid END FROM history{view.Index} h
                WHERE h.code = p.code{view.KeyGroup} AND h.event_time <= p.t AND {admits}
                ORDER BY h.event_time DESC, {rank}, h.position {(plan.FirstOfTies ? "ASC" : "DESC")} LIMIT 1)
                """;
        }
    }
}
