using System.Globalization;
using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore.Sqlite;
using FeatureStore.OnlineStore.Tests.Redis;

namespace FeatureStore.OnlineStore.Tests;

/// <summary>Random batches, orders and removals leave the state, and give the counts, of an obvious store over a dictionary.</summary>
public sealed class OracleTests
{
    private const int Seeds = 25;
    private const int Steps = 12;
    private const long Second = 1_000_000;
    private static readonly OnlineTable[] Tables =
    [
        new("p", "weekly", ["count", "total", "city"]), new("p", "people", ["age"]), new("x_p", "weekly", ["count", "total", "city"]),
    ];

    private static readonly byte[][] Keys =
        [.. Enumerable.Range(0, 6).Select(i => EntityKeyEncoder.Encode([("user_id", new Value { StringVal = $"u{i}" })], 3))];

    [SkippableTheory]
    [InlineData(Second)]
    [InlineData(1)]
    public async Task Redis_RandomSteps_AgreesWithTheOracle(long micros)
    {
        await using var redis = await TestRedis.StartAsync();
        for (var seed = 0; seed < Seeds; seed++)
        {
            await redis.Database.ExecuteAsync("FLUSHALL");
            await AssertAsync(redis.Store, seed, micros);
        }
    }

    [Fact]
    public async Task Sqlite_RandomSteps_AgreesWithTheOracle()
    {
        var folder = Directory.CreateTempSubdirectory("oracle").FullName;
        for (var seed = 0; seed < Seeds; seed++)
        {
            await using var store = new SqliteOnlineStore(Path.Combine(folder, seed.ToString(CultureInfo.InvariantCulture)));
            await AssertAsync(store, seed, Second);
        }

        Directory.Delete(folder, recursive: true);
    }

    private static async Task AssertAsync(IOnlineStore store, int seed, long unit)
    {
        var random = new Random(seed);
        var oracle = new BrokenStore(Breakage.None);
        await store.EnsureTablesAsync(Tables, CancellationToken.None);
        for (var step = 0; step < Steps; step++)
        {
            var table = Tables[random.Next(Tables.Length)];
            if (random.Next(8) == 0)
            {
                byte[][] gone = [.. Keys.Where(_ => random.Next(2) == 0)];
                await store.RemoveRowsAsync([table], gone, CancellationToken.None);
                await oracle.RemoveRowsAsync([table], gone, CancellationToken.None);
            }
            else
            {
                var rule = random.Next(2) == 0 ? OnlineWriteRule.NewerWins : OnlineWriteRule.NewerOrEqualWins;
                var rows = Enumerable.Range(0, random.Next(12)).Select(_ => Row(table, random, unit)).ToArray();
                var expected = await oracle.WriteAsync(table, rows, rule, CancellationToken.None);
                Assert.Equal((seed, step, expected), (seed, step, await store.WriteAsync(table, rows, rule, CancellationToken.None)));
            }

            foreach (var project in Tables.GroupBy(t => t.Project))
            {
                var expected = await oracle.ReadAsync([.. project], Keys, CancellationToken.None);
                var actual = await store.ReadAsync([.. project], Keys, CancellationToken.None);
                Assert.Equal($"seed {seed}, step {step}: {Show(expected)}", $"seed {seed}, step {step}: {Show(actual)}");
            }
        }
    }

    // Few distinct times, around the epoch and around now, so that ties and both sides of the rule are common.
    private static EncodedRow Row(OnlineTable table, Random random, long unit) => new(
        Keys[random.Next(Keys.Length)],
        (random.Next(3) == 0 ? random.Next(-2, 3) : 1_793_491_200_000_000 / unit) * unit + (random.Next(4) * unit),
        null,
        [.. table.Features.Select(_ => random.Next(4) == 0 ? [] : ValueBytes.Int64(random.Next()))]);

    private static string Show(OnlineRead[][] reads) => string.Join('\n', reads.Select(t => string.Join("; ", t.Select(
        r => $"{r.EventTimeMicros}:{string.Join(',', r.Values.Select(v => v is null ? "-" : Convert.ToHexString(v)))}"))));
}
