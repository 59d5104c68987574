using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Feast.Serving;
using Feast.Types;
using FeatureStore.Cli.Tests.Verbs;
using FeatureStore.Client;
using Xunit.Abstractions;

namespace FeatureStore.Cli.Tests.EndToEnd;

/// <summary>
/// The jobs run without pause beside a server that is read without pause: no read fails, what is read never goes back in time, and the server's memory
/// stays. <c>FSTORE_SOAK_MINUTES</c> says for how long.
/// </summary>
public sealed partial class SoakTests(ITestOutputHelper output) : IDisposable
{
    private const int Users = 200;
    private const int Readers = 2;
    private const int KeysPerRead = 20;
    private static readonly DateTime FirstDay = new(2026, 1, 5, 0, 0, 0, DateTimeKind.Utc);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly Fstore _fstore = new();
    private readonly List<(double Hours, double MiB)> _memory = [];
    private long _reads;

    public void Dispose() => _fstore.Dispose();

    [Fact]
    public async Task JobsAndReads_SideBySide_NoReadFailsAndMemoryStays()
    {
        var minutes = double.Parse(Environment.GetEnvironmentVariable("FSTORE_SOAK_MINUTES") ?? "0.2", CultureInfo.InvariantCulture);
        await RunAsync("apply");
        await RoundAsync(7);
        using var server = _fstore.Start("serve", "--grpc-port", "0", "--http-port", "0");
        _ = server.StandardError.ReadToEndAsync();
        try
        {
            var line = await server.StandardOutput.ReadLineAsync();
            using var client = new FeatureStoreClient(new Uri($"http://{Target().Matches(line ?? string.Empty)[0].Value}"));
            using var end = new CancellationTokenSource();
            var readers = Enumerable.Range(0, Readers).Select(r => Task.Run(() => ReadAsync(client, new Random(r), end.Token))).ToArray();
            var rounds = await WorkAsync(server, TimeSpan.FromMinutes(minutes), readers);
            await end.CancelAsync();
            await Task.WhenAll(readers);
            Assert.True(_reads > 0);
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{minutes} minutes: {rounds} rounds of generate, ingest, features, materialise; {_reads:N0} reads of {KeysPerRead} entities, 0 failed; server {_memory[^1].MiB:0} MiB at the end, slope {Slope():0.0} MiB an hour after the first third"));
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }

        await RunAsync("verify", "parity");
        await RunAsync("lake", "check");
    }

    private async Task<int> WorkAsync(Process server, TimeSpan time, Task[] readers)
    {
        var watch = Stopwatch.StartNew();
        var rounds = 0;
        do
        {
            rounds++;
            await RoundAsync(7 + rounds);
            if (rounds % 10 == 0)
            {
                await RunAsync("lake", "compact");
            }

            server.Refresh();
            _memory.Add((watch.Elapsed.TotalHours, server.WorkingSet64 / 1048576.0));
            Assert.DoesNotContain(readers, r => r.IsFaulted);
        }
        while (watch.Elapsed < time);
        return rounds;
    }

    private async Task RoundAsync(int days)
    {
        var last = FirstDay.AddDays(days).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        await RunAsync("generate", "--users", $"{Users}", "--days", $"{days}", "--seed", "5", "--first-day", FirstDay.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        await RunAsync("ingest");
        await RunAsync("features", "compute", "--as-of", last);
        await RunAsync("features", "compute", "--touched");
        await RunAsync("materialize", "2026-01-01", last);
    }

    private async Task ReadAsync(FeatureStoreClient client, Random random, CancellationToken cancellationToken)
    {
        var newest = new Dictionary<int, long>();
        while (!cancellationToken.IsCancellationRequested)
        {
            var users = Enumerable.Range(0, KeysPerRead).Select(_ => random.Next(Users)).ToArray();
            var request = new GetOnlineFeaturesRequest { Features = new FeatureList { Val = { "user_transactions_l1w:num_transactions_l1w", "user_transactions_l1w:total_amount_l1w" } } };
            request.Entities["user_id"] = new RepeatedValue { Val = { users.Select(u => new Value { StringVal = $"u{u:0000000}" }) } };
            var reply = await client.GetOnlineFeaturesAsync(request, DateTime.UtcNow + Deadline, CancellationToken.None);
            Interlocked.Increment(ref _reads);
            var (counts, totals) = (reply.Results[^2], reply.Results[^1]);
            for (var i = 0; i < users.Length; i++)
            {
                // Both features are of one row, and a later read never sees an earlier one.
                Assert.Equal(counts.EventTimestamps[i], totals.EventTimestamps[i]);
                Assert.Equal(counts.Statuses[i], totals.Statuses[i]);
                var time = counts.EventTimestamps[i].Seconds;
                Assert.True(time >= newest.GetValueOrDefault(users[i]), $"User {users[i]} went back from {newest.GetValueOrDefault(users[i])} to {time}.");
                newest[users[i]] = time;
            }
        }
    }

    // Least squares; start-up and the first reads make their memory once.
    private double Slope()
    {
        var points = _memory.Skip(_memory.Count / 3).ToArray();
        var (hours, mib) = (points.Average(p => p.Hours), points.Average(p => p.MiB));
        var spread = points.Sum(p => (p.Hours - hours) * (p.Hours - hours));
        return spread == 0 ? 0 : points.Sum(p => (p.Hours - hours) * (p.MiB - mib)) / spread;
    }

    private async Task RunAsync(params string[] arguments)
    {
        var (code, text, error) = await _fstore.RunAsync(arguments);
        Assert.True(code == 0, $"{string.Join(' ', arguments)} ended with {code}: {text}{error}");
    }

    [GeneratedRegex(@"127\.0\.0\.1:\d+")]
    private static partial Regex Target();
}
