using System.Globalization;
using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;

namespace FeatureStore.OnlineStore.Tests;

/// <summary>
/// A writer turns rows of 50 features from all 0 to all 1 and back while readers look: no reader may see both. The
/// environment variable FSTORE_ATOMIC_SECONDS makes the run longer than its default of two seconds.
/// </summary>
internal static class AtomicRowsSuite
{
    private const string SecondsVariable = "FSTORE_ATOMIC_SECONDS";
    private const int Features = 50;
    private const int Entities = 20;
    private const int Readers = 3;
    private const int FlipsMin = 20;

    /// <summary>Runs it and asserts that no mixed row was seen and that both sides were at work; answers what was done.</summary>
    public static async Task<string> AssertAsync(IOnlineStore store, IOnlineStore readers, int seed)
    {
        var seconds = double.Parse(Environment.GetEnvironmentVariable(SecondsVariable) ?? "2", CultureInfo.InvariantCulture);
        var table = new OnlineTable("p", "flipping", [.. Enumerable.Range(0, Features).Select(i => $"f{i}")]);
        var other = new OnlineTable("p", "beside", ["f"]);
        var keys = Enumerable.Range(0, Entities).Select(i => EntityKeyEncoder.Encode([("user_id", new Value { Int64Val = i })], 3)).ToArray();
        await store.EnsureTablesAsync([table, other], CancellationToken.None);
        await WriteAsync(store, table, keys, 0);
        using var end = new CancellationTokenSource();
        var looking = Enumerable.Range(0, Readers).Select(i => Task.Run(() => ReadAsync(readers, table, other, keys, seed + i, end.Token))).ToArray();
        var started = TimeProvider.System.GetTimestamp();
        var flips = 0;
        while (flips < FlipsMin || TimeProvider.System.GetElapsedTime(started).TotalSeconds < seconds)
        {
            await WriteAsync(store, table, keys, ++flips);
        }

        await end.CancelAsync();
        var rows = (await Task.WhenAll(looking)).Sum();
        Assert.True(rows > FlipsMin, $"seed {seed}: {rows} rows read during {flips} flips");
        return string.Create(CultureInfo.InvariantCulture, $"seed {seed}: {flips:N0} flips of {Entities} rows, {rows:N0} rows read, 0 mixed, in {TimeProvider.System.GetElapsedTime(started).TotalSeconds:0} s");
    }

    private static async Task<int> ReadAsync(
        IOnlineStore store, OnlineTable table, OnlineTable other, byte[][] keys, int seed, CancellationToken end)
    {
        var random = new Random(seed);
        var rows = 0;
        while (!end.IsCancellationRequested)
        {
            // A narrow read takes one way through the store, a wide one another.
            var narrow = table with { Features = [.. table.Features.OrderBy(_ => random.Next()).Take(random.Next(2, Features + 1))] };
            var wanted = keys.OrderBy(_ => random.Next()).Take(random.Next(1, Entities)).ToArray();
            foreach (var read in (await store.ReadAsync([narrow, other], wanted, CancellationToken.None))[0])
            {
                var parity = read.EventTimeMicros!.Value / 1_000_000 % 2;
                Assert.True(
                    read.Values.All(v => v.AsSpan().SequenceEqual(ValueBytes.Int64(parity))),
                    $"seed {seed}, after {rows} rows: a row of time parity {parity} holds {string.Join(' ', read.Values.Select(v => Convert.ToHexString(v!)))}");
                rows++;
            }
        }

        return rows;
    }

    private static Task<OnlineWriteCounts> WriteAsync(IOnlineStore store, OnlineTable table, byte[][] keys, int flip)
    {
        var values = Enumerable.Repeat(ValueBytes.Int64(flip % 2), Features).ToArray();
        return store.WriteAsync(
            table,
            [.. keys.Select(k => new EncodedRow(k, (flip + 1_000L) * 1_000_000, null, values))],
            OnlineWriteRule.NewerWins,
            CancellationToken.None);
    }
}
