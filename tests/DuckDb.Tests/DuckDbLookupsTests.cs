namespace FeatureStore.DuckDb.Tests;

/// <summary>What is held gives the answers of a join, in the order of the question.</summary>
public sealed class DuckDbLookupsTests : IDisposable
{
    private const string Types = "BOOLEAN,TINYINT,SMALLINT,INTEGER,BIGINT,HUGEINT,UBIGINT,FLOAT,DOUBLE,DATE,TIMESTAMP,TIMESTAMP WITH TIME ZONE";
    private readonly DuckDbDatabase _database = DuckDbDatabase.Open(null, new DuckDbOptions(MemoryLimitMiB: 256, Threads: 2));
    private readonly DuckDbConnection _connection;

    public DuckDbLookupsTests() => _connection = _database.Connect();

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    [Fact]
    public void OfferValues_EveryTypeAndNulls_AgreeWithAJoin()
    {
        string[] types = Types.Split(',');
        var columns = types.Select((type, i) => $"CASE WHEN (n + {i}) % 7 > 0 THEN CAST({Number(type)} AS {type}) END AS c{i}");
        _connection.Execute($"SET TimeZone = 'UTC'; CREATE TABLE held AS SELECT n * 2 AS position, {string.Join(", ", columns)} FROM range(5000) r(n)");
        string[] names = [.. types.Select((_, i) => $"value{i}")];
        _connection.OfferValues("FROM held", names, 9999, CancellationToken.None);

        Assert.All(types, t => Assert.NotEqual(0, DuckDbLookups.Width(t)));
        var asked = "SELECT i, CASE WHEN i % 11 > 0 THEN CAST(hash(i) % 12000 AS BIGINT) - 1000 END AS p FROM range(30000) a(i)";
        var joined = $"SELECT a.i, a.p, h.* EXCLUDE (position) FROM ({asked}) a LEFT JOIN held h ON h.position = a.p";
        Assert.Equal("0", One($"SELECT count(*) FROM (SELECT i, p, {string.Join(", ", names.Select(n => $"{n}(p)"))} FROM ({asked}) EXCEPT ALL {joined})"));
        Assert.Equal("4999", One("SELECT value4(9998)"));
        Assert.Equal("null", One("SELECT value4(9997)"));
        Assert.Equal("null", One("SELECT value4(-1)"));
        Assert.Equal("null", One("SELECT value4(9223372036854775807)"));
        Assert.Equal("null", One("SELECT value4(NULL)"));
    }

    [Fact]
    public void OfferValues_WithoutANull_GivesEachValue()
    {
        _connection.OfferValues("SELECT n, n * 3 FROM range(3000) r(n)", ["tripled"], 3000, CancellationToken.None);
        Assert.Equal("0", One("SELECT count(*) FROM range(3000) r(n) WHERE tripled(n) IS DISTINCT FROM n * 3"));
        Assert.Equal("null", One("SELECT tripled(3000)"));
    }

    [Fact]
    public void Fill_OtherRows_TakeThePlaceOfThoseBefore()
    {
        var values = _connection.OfferValues("SELECT n, n * 3, n % 2 = 0 FROM range(3000) r(n)", ["number", "even"], 3000, CancellationToken.None);
        values.Fill("SELECT n, n * 5, true FROM range(0, 4000, 2) r(n)", 4000, CancellationToken.None);
        Assert.Equal("0", One("SELECT count(*) FROM range(5000) r(n) WHERE number(n) IS DISTINCT FROM CASE WHEN n < 4000 AND n % 2 = 0 THEN n * 5 END"));
        Assert.Equal("2000", One("SELECT count(*) FROM range(5000) r(n) WHERE even(n)"));

        values.Fill("SELECT n, CASE WHEN n > 1 THEN n END, false FROM range(5) r(n)", 5, CancellationToken.None);
        Assert.Equal("3", One("SELECT count(number(n)) FROM range(5000) r(n)"));
        Refused("Position 5 lies outside", () => values.Fill("SELECT n, n, true FROM range(6) r(n)", 5, CancellationToken.None));
        Refused("put", () => values.Fill("SELECT 0::BIGINT, 0::BIGINT, DATE '2026-01-01'", 5, CancellationToken.None));
        Refused("Position -1 lies outside", () => values.Fill("SELECT NULL::BIGINT, 0::BIGINT, true", 5, CancellationToken.None));
    }

    [Fact]
    public void Fill_OnBothThreads_HoldsEveryRow()
    {
        var values = _connection.OfferValues("SELECT n, n FROM range(1) r(n)", ["number"], 1, CancellationToken.None);
        _connection.Execute("CREATE TABLE many AS SELECT n, CASE WHEN n % 3 > 0 THEN hash(n) % 1000000007 END AS h FROM range(1000000) r(n)");
        values.Fill("SELECT n, CAST(h AS BIGINT) FROM many", 1_000_000, CancellationToken.None);
        Assert.Equal("0", One("SELECT count(*) FROM many WHERE number(n) IS DISTINCT FROM CAST(h AS BIGINT)"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void OfferMoments_RandomRows_AgreeWithASlowQuestion(int seed)
    {
        var random = new Random(seed);
        var rows = Enumerable.Range(0, 400).Select(_ => (Group: random.Next(20) * 2, Moment: random.Next(200) - 100)).Distinct().OrderBy(r => r.Group).ThenBy(r => r.Moment).ToList();
        var values = string.Join(", ", rows.Select((r, i) => $"({r.Group}, CAST({r.Moment} AS BIGINT), {(i % 5 == 0 ? "NULL" : i * 10)})"));
        _connection.Execute($"CREATE TABLE held AS FROM (VALUES {values}) t(code, since, answer)");
        _connection.OfferMoments("FROM held ORDER BY code, since", "find", ["answer"], rows.Count, CancellationToken.None);

        for (var group = -1; group < 42; group++)
        {
            var asked = random.Next(260) - 130;
            var right = rows.FindLastIndex(r => r.Group == group && r.Moment <= asked);
            Assert.Equal(right < 0 ? "null" : $"{right}", One($"SELECT find({group}, {asked})"));
            Assert.Equal(right < 0 || right % 5 == 0 ? "null" : $"{right * 10}", One($"SELECT answer(find({group}, {asked}))"));
        }

        Assert.Equal("null", One("SELECT find(NULL, 5)"));
        Assert.Equal("null", One("SELECT find(2, NULL)"));
    }

    [Fact]
    public void OfferMoments_OfNoRows_FindsNone()
    {
        _connection.OfferMoments("SELECT 1 AS code, 2::BIGINT AS since, 3 AS x WHERE false", "find", ["x"], 0, CancellationToken.None);
        Assert.Equal("null", One("SELECT x(find(1, 2))"));
    }

    [Fact]
    public void Offer_RowsThatCannotBeHeld_AreRefused()
    {
        Refused("out of order", () => _connection.OfferMoments("SELECT * FROM (VALUES (1, 5::BIGINT), (1, 4::BIGINT)) t(a, b)", "f1", [], 2, CancellationToken.None));
        Refused("out of order", () => _connection.OfferMoments("SELECT * FROM (VALUES (2, 5::BIGINT), (1, 6::BIGINT)) t(a, b)", "f2", [], 2, CancellationToken.None));
        Refused("out of order", () => _connection.OfferMoments("SELECT -1 AS a, 5::BIGINT AS b", "f3", [], 1, CancellationToken.None));
        Refused("more than 1 rows", () => _connection.OfferMoments("SELECT 1 AS a, i AS b FROM range(2) t(i)", "f4", [], 1, CancellationToken.None));
        Refused("2 rows to hold, not 3", () => _connection.OfferMoments("SELECT 1 AS a, i AS b FROM range(2) t(i)", "f5", [], 3, CancellationToken.None));
        Refused("is null", () => _connection.OfferMoments("SELECT 1 AS a, NULL::BIGINT AS b", "f9", [], 1, CancellationToken.None));
        Refused("Position 2 lies outside", () => _connection.OfferValues("SELECT i, i FROM range(3) t(i)", ["f6"], 2, CancellationToken.None));
        Refused("Position -1 lies outside", () => _connection.OfferValues("SELECT -1::BIGINT, 1", ["f7"], 2, CancellationToken.None));
        Refused("f8 is Varchar", () => _connection.OfferValues("SELECT 0::BIGINT, 'x'", ["f8"], 1, CancellationToken.None));
        Assert.Equal(0, DuckDbLookups.Width("VARCHAR"));
        Assert.Equal(0, DuckDbLookups.Width("DOUBLE[]"));
        Assert.Equal(0, DuckDbLookups.Width("DECIMAL(9,2)"));
    }

    [Fact]
    public void Lookup_AfterASort_KeepsItsOrder()
    {
        _connection.OfferValues("SELECT n, n * 3 FROM range(100000) r(n)", ["tripled"], 100_000, CancellationToken.None);
        _connection.Execute("CREATE TABLE asked AS SELECT i, hash(i) % 100000 AS p FROM range(300000) t(i) ORDER BY hash(i + 1)");
        _connection.Execute("CREATE TABLE made AS SELECT i, tripled(p::BIGINT) AS v FROM (SELECT * FROM asked ORDER BY i)");
        Assert.Equal("0", One("SELECT count(*) FROM made WHERE i <> rowid OR v <> (hash(i) % 100000) * 3"));
    }

    private static string Number(string type) => type switch
    {
        "TIMESTAMP" or "TIMESTAMP WITH TIME ZONE" => "make_timestamp(n * 1000003)",
        "DATE" => "DATE '1970-01-01' + CAST(n AS INTEGER)",
        "TINYINT" => "n % 100",
        _ => "n",
    };

    private static void Refused(string reason, Action offer) => Assert.Contains(reason, Assert.Throws<DuckDbException>(offer).Message, StringComparison.Ordinal);

    private string One(string sql)
    {
        using var reader = _connection.Query($"SELECT CAST(x AS VARCHAR) FROM ({sql}) t(x)");
        Assert.True(reader.NextChunk());
        return reader.IsNull(0, 0) ? "null" : reader.Text(0, 0);
    }
}
