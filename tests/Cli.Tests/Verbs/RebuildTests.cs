using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using FeatureStore.Serving.Hosting;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Cli.Tests.Verbs;

/// <summary>An online store that is emptied under a running server: noticed, labelled, and filled again to the same bytes.</summary>
public sealed partial class RebuildTests : IDisposable
{
    private const string View = "user_transactions_l1w";
    private static readonly TimeSpan DetectMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Serve_RedisFlushed_SaysSoLabelsAnswersAndIsFilledAgain(bool withJobs)
    {
        RedisServer.Need();
        await using var redis = await RedisServer.StartAsync();
        await UseAsync($"{{type: redis, connection_string: \"{redis.Address}\"}}");
        await using var server = await Server.StartAsync(_fstore, withJobs ? ["--with-jobs"] : []);
        Assert.Empty(await server.LabelAsync());

        await redis.SendAsync("FLUSHALL", CancellationToken.None);
        var told = await server.ToldAsync($"the online store lost the rows of {View}");
        Assert.True(told < DetectMax, $"The loss was told after {told}.");
        if (!withJobs)
        {
            Assert.Contains(View, await server.LabelAsync());
            await RunAsync("rebuild");
        }

        await server.ToldAsync($"the rows of {View} are back");
        Assert.DoesNotContain(View, await server.LabelAsync());

        // The other view comes back for itself, at this look of the server's or a later one.
        await TestProgram.PollAsync("The end of the label", async _ => (await server.LabelAsync()).Count == 0);
        await ExpectParityAsync();
    }

    [Fact]
    public async Task Rebuild_AfterTheFileWasRemoved_FillsItAgain()
    {
        await UseAsync("{type: sqlite, path: data/online.db}");
        await using (var server = await Server.StartAsync(_fstore))
        {
            // By now the server holds the file open.
            Assert.Empty(await server.LabelAsync());
            foreach (var file in Directory.GetFiles(Path.Combine(_fstore.Repo, "data"), "online.db*"))
            {
                File.Delete(file);
            }

            await server.ToldAsync($"the online store lost the rows of {View}");
            await RunAsync("rebuild");
            await server.ToldAsync($"the rows of {View} are back");
        }

        await ExpectParityAsync();
    }

    [SkippableFact]
    public async Task MaterializeIncremental_OnAFlushedStore_WritesAllRowsAgain()
    {
        RedisServer.Need();
        await using var redis = await RedisServer.StartAsync();
        await UseAsync($"{{type: redis, connection_string: \"{redis.Address}\"}}");
        await redis.SendAsync("FLUSHALL", CancellationToken.None);
        await RunAsync("materialize-incremental", "2026-02-03");
        await ExpectParityAsync();
    }

    [Fact]
    public async Task Materialize_OverwriteFromVersion_ReplacesNewerRowsAndOnlyThoseOfAddedRows()
    {
        await UseAsync("{type: sqlite, path: data/online.db}");
        await RunAsync("features", "compute", "--as-of", "2026-01-26");

        // The rows of 2 February stay newer, and would win over any row of January.
        var nothing = await RunAsync("materialize", "2026-01-01", "2026-01-27", "-v", View);
        Assert.Contains(" 0 rows written", nothing.Output, StringComparison.Ordinal);
        var versions = Directory.GetFiles(Path.Combine(_fstore.Repo, "data", "lake", "features", View, "_delta_log"), "*.json").Length;
        var none = await RunAsync("materialize", "2026-01-01", "2026-01-27", "-v", View, "--overwrite-from-version", $"{versions - 1}");
        Assert.Contains(" 0 rows written", none.Output, StringComparison.Ordinal);
        var all = await RunAsync("materialize", "2026-01-01", "2026-01-27", "-v", View, "--overwrite-from-version", "0", "--json");
        Assert.DoesNotContain("\"Written\":0,", all.Output, StringComparison.Ordinal);
        var refused = await _fstore.RunAsync("materialize", "2026-01-01", "2026-01-27", "-v", View, "--overwrite-from-version", "99");
        Assert.Equal(2, refused.Code);
        Assert.Contains("versions 0 to", refused.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, (await _fstore.RunAsync("verify", "parity")).Code);
        await RunAsync("rebuild");
        await ExpectParityAsync();
    }

    private async Task UseAsync(string store)
    {
        _fstore.UseOnlineStore(store);
        await RunAsync("apply");
        await RunAsync("generate", "--users", "30", "--days", "24", "--seed", "5", "--first-day", "2026-01-05");
        await RunAsync("ingest");
        await RunAsync("features", "compute", "--as-of", "2026-02-02");
        await RunAsync("materialize", "2026-01-01", "2026-02-03");
        await ExpectParityAsync();
    }

    private async Task ExpectParityAsync()
    {
        var parity = await RunAsync("verify", "parity");
        Assert.Contains($"{View}: 30 of 30 equal", parity.Output, StringComparison.Ordinal);
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var result = await _fstore.RunAsync(arguments);
        Assert.True(result.Code == 0, $"{string.Join(' ', arguments)}: {result.Output}{result.Error}");
        return result;
    }

    /// <summary>A running <c>fstore serve</c> and what it says on standard error.</summary>
    private sealed partial class Server : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly BlockingCollection<string> _lines = [];
        private readonly HttpClient _http;

        private Server(Process process, Uri http)
        {
            _process = process;
            _http = new HttpClient { BaseAddress = http };
            process.ErrorDataReceived += (_, line) => _lines.Add(line.Data ?? "its standard error ended");
            process.BeginErrorReadLine();
        }

        public static async Task<Server> StartAsync(Fstore fstore, params string[] more)
        {
            var process = fstore.Start(["serve", "--grpc-port", "0", "--http-port", "0", .. more]);
            var line = await process.StandardOutput.ReadLineAsync();
            return new Server(process, new Uri($"http://{Target().Matches(line ?? string.Empty)[^1].Value}"));
        }

        /// <summary>Waits until a line with this text was said, and answers how long that took.</summary>
        public async Task<TimeSpan> ToldAsync(string text)
        {
            var watch = Stopwatch.StartNew();
            using var late = new CancellationTokenSource(Patience);
            var others = new List<string>();
            try
            {
                await Task.Run(() =>
                {
                    while (_lines.Take(late.Token) is var line && !line.Contains(text, StringComparison.Ordinal))
                    {
                        others.Add(line);
                    }
                });
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"'{text}' was not said; instead: {string.Join('\n', others)}");
            }

            return watch.Elapsed;
        }

        /// <summary>The views that an answer calls lost.</summary>
        public async Task<IReadOnlyList<string>> LabelAsync()
        {
            using var answer = await _http.PostAsJsonAsync(
                "get-online-features", new { features = new[] { $"{View}:num_transactions_l1w" }, entities = new { user_id = new[] { "u1" } } });
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
            return answer.Headers.TryGetValues(LostViews.Header, out var views) ? views.Single().Split(',') : [];
        }

        public async ValueTask DisposeAsync()
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
            _http.Dispose();
            _lines.Dispose();
        }

        [GeneratedRegex(@"127\.0\.0\.1:\d+")]
        private static partial Regex Target();
    }
}
