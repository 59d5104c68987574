using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.PointInTime;

namespace FeatureStore.OfflineStore.Tests.PointInTime;

/// <summary>One pass over the rows of a view gives the answers that the SQL for larger views gives.</summary>
public sealed class TimelineTests : IDisposable
{
    private readonly DuckDbDatabase _database = DuckDbDatabase.Open(null, new DuckDbOptions(256, 1));
    private readonly DuckDbConnection _connection;

    public TimelineTests() => _connection = _database.Connect();

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    [Fact]
    public void Read_RandomHistories_GivesTheAnswersOfSql()
    {
        var (answers, others, unknown) = (0, 0, 0);
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var after = random.Next(3);
            Fill(random, rows: seed == 0 ? 0 : 1 + random.Next(60));
            using var rows = _connection.Query(Timeline.Rows(0));
            var (known, happened) = Timeline.Read(rows, random.Next(8), after);

            Assert.Equal(Sql(KnownTime.Commit, after, "code"), Cells(known).Where(c => c.Sid >= 0));
            var late = $"SELECT code FROM history0 WHERE greatest(event_time, coalesce(known_time, event_time) + {after}) > event_time";
            Assert.Equal(Sql(KnownTime.Event, after, late), Cells(happened));

            // Where an entity's first row had happened and was not known, there is a mark.
            var marks = $"""
                SELECT code, min(event_time), -1::BIGINT, min(event_time), min(event_time) FROM history0
                GROUP BY code HAVING min(event_time) < min(greatest(event_time, coalesce(known_time, event_time) + {after})) ORDER BY code
                """;
            Assert.Equal(Read(marks), Cells(known).Where(c => c.Sid < 0));
            (answers, others, unknown) = (answers + known.Count, others + happened.Count, unknown + Cells(known).Count(c => c.Sid < 0));
        }

        Assert.True(answers > 1000 && others > 1000 && unknown > 100, $"{answers}, {others} and {unknown} answers are too few to tell.");
    }

    [Fact]
    public void Read_ManyRowsInNoOrder_SortsThoseOfAnEntity()
    {
        _connection.Execute("""
            CREATE OR REPLACE TABLE history0 AS
            SELECT CAST(i // 5000 AS INTEGER) AS code, i AS event_time, i + CAST(hash(i) % 9 AS BIGINT) AS known_time, 9223372036854775807 AS ends, i AS sid, i AS position FROM range(15000) t(i) ORDER BY hash(i)
            """);
        using var rows = _connection.Query(Timeline.Rows(0));
        var (known, happened) = Timeline.Read(rows, 15000, 0);
        Assert.Equal(Sql(KnownTime.Commit, 0, "code"), Cells(known).Where(c => c.Sid >= 0));
        Assert.Equal(Sql(KnownTime.Event, 0, "code"), Cells(happened));
        Assert.Equal(15000, happened.Count);
    }

    // Small numbers, so that nearly everything ties.
    private void Fill(Random random, int rows)
    {
        _connection.Execute("CREATE OR REPLACE TABLE history0 (code INTEGER, event_time BIGINT, known_time BIGINT, ends BIGINT, sid BIGINT, position BIGINT)");
        for (var sid = 0; sid < rows; sid++)
        {
            var time = random.Next(12);
            var known = random.Next(4) switch { 0 => "NULL", 1 => $"{random.Next(16)}", _ => $"{time}" };
            _connection.Execute($"INSERT INTO history0 VALUES ({1 + random.Next(5)}, {time}, {known}, {JoinPlan.Never}, {sid}, {sid})");
        }
    }

    private List<Answer> Sql(KnownTime known, long after, string codes)
    {
        var view = new ViewJoin(0, 0, null, HasEnds: false);
        return Read($"SELECT code, since, sid, event_time, coalesce(next_event, {JoinPlan.Never}) FROM ({new DuckDbJoin(new JoinPlan([view], known, after, false)).Best(view)}) WHERE code IN ({codes}) ORDER BY code, since");
    }

    private List<Answer> Read(string sql)
    {
        var answers = new List<Answer>();
        using var reader = _connection.Query(sql);
        while (reader.NextChunk())
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                answers.Add(new Answer(reader.Int32(0, r), reader.Int64(1, r), reader.Int64(2, r), reader.Int64(3, r), reader.Int64(4, r)));
            }
        }

        return answers;
    }

    private static List<Answer> Cells(Timeline timeline)
    {
        var (sids, events, nexts) = (timeline.Columns[0].Values.ToArray(), timeline.Columns[1].Values.ToArray(), timeline.Columns[2].Values.ToArray());
        var answers = new List<Answer>();
        for (var i = 0; i < timeline.Count; i++)
        {
            answers.Add(new Answer(timeline.Codes[i], timeline.Since[i], sids[i], events[i], nexts[i]));
        }

        return answers;
    }

    private sealed record Answer(int Code, long Since, long Sid, long EventTime, long NextEvent);
}
