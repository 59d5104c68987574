using System.Net;
using System.Net.Sockets;

namespace FeatureStore.Cli.Tests.Verbs;

/// <summary>A small generated bank that went the whole road, made once; each test damages a copy.</summary>
public sealed class SmallBank : IAsyncLifetime
{
    internal Fstore Fstore { get; } = new();

    public async Task InitializeAsync()
    {
        string[][] steps =
        [
            ["generate", "--users", "20", "--days", "10", "--seed", "5", "--first-day", "2026-01-05"], ["ingest"], ["apply"],
            ["features", "compute", "--as-of", "2026-01-12"], ["materialize", "2026-01-01", "2026-02-01"],
        ];
        foreach (var step in steps)
        {
            var result = await Fstore.RunAsync(step);
            Assert.True(result.Code == 0, result.Error);
        }
    }

    public Task DisposeAsync()
    {
        Fstore.Dispose();
        return Task.CompletedTask;
    }
}

/// <summary>Whatever is broken: the message names it and the way out, the exit code says whose fault it is, and nothing else is lost.</summary>
public sealed class BadInputTests : IClassFixture<SmallBank>, IDisposable
{
    private readonly Fstore _fstore = new();

    public BadInputTests(SmallBank bank)
    {
        foreach (var file in Directory.EnumerateFiles(bank.Fstore.Repo, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(_fstore.Repo, Path.GetRelativePath(bank.Fstore.Repo, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target, overwrite: true);
        }
    }

    private string Lake => Path.Combine(_fstore.Repo, "data", "lake");

    public void Dispose() => _fstore.Dispose();

    [Theory]
    [InlineData("log.db", "import again", "ingest")]
    [InlineData("online.db", "materialize again", "verify", "parity")]
    [InlineData("registry.db", "fstore apply", "features", "show", "--as-of", "2026-02-01")]
    public async Task Run_DamagedFile_NamesItAndLeavesTheLakeReadable(string file, string wayOut, params string[] arguments)
    {
        var shown = await _fstore.RunAsync("features", "show", "--as-of", "2026-02-01", "--json");
        var path = Path.Combine(_fstore.Repo, "data", file);
        var kept = await File.ReadAllBytesAsync(path);
        await File.WriteAllBytesAsync(path, [.. "this is no such file, but long enough to be taken for one"u8, .. new byte[4096]]);
        foreach (var side in new[] { "-wal", "-shm" })
        {
            File.Delete(path + side);
        }

        await ExpectAsync(3, file, arguments);
        await ExpectAsync(3, wayOut, arguments);

        // What was damaged is not made worse: put back, everything is as before.
        await File.WriteAllBytesAsync(path, kept);
        Assert.Equal(shown, await _fstore.RunAsync("features", "show", "--as-of", "2026-02-01", "--json"));
    }

    [Fact]
    public async Task Compute_DamagedParquet_NamesTheFile()
    {
        var file = Directory.EnumerateFiles(Path.Combine(Lake, "cdc", "transactions"), "*.parquet", SearchOption.AllDirectories).Order(StringComparer.Ordinal).First();
        var kept = await File.ReadAllBytesAsync(file);
        await File.WriteAllBytesAsync(file, kept[..(kept.Length / 2)]);
        await ExpectAsync(3, Path.GetFileName(file), "features", "compute", "--as-of", "2026-01-19");
        await ExpectAsync(3, "fstore ingest", "features", "compute", "--as-of", "2026-01-19");
        File.Delete(file);
        await ExpectAsync(3, Path.GetFileName(file), "features", "compute", "--as-of", "2026-01-19");
        await File.WriteAllBytesAsync(file, kept);
        Assert.Equal(0, (await _fstore.RunAsync("features", "compute", "--as-of", "2026-01-19")).Code);
    }

    [Theory]
    [InlineData("{broken")]
    [InlineData("")]
    [InlineData("{\"add\":{\"path\":\"x\"}}")]
    public async Task Ingest_DamagedDeltaLog_NamesTheCommit(string text)
    {
        var commit = Path.Combine(Lake, "demographic", "customers", "_delta_log", new string('0', 20) + ".json");
        await File.WriteAllTextAsync(commit, text);
        await ExpectAsync(3, "demographic/customers", "ingest");
    }

    [Fact]
    public async Task Serve_AuthAskedFor_IsRefusedAndNotOpened()
    {
        await File.AppendAllTextAsync(Path.Combine(_fstore.Repo, "feature_store.yaml"), "auth: {type: oidc}\n");
        var served = await _fstore.RunAsync("serve", "--grpc-port", "0", "--http-port", "0");
        Assert.Equal((2, string.Empty), (served.Code, served.Output));
        Assert.Contains("no_auth", served.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await _fstore.RunAsync("plan")).Code);
    }

    [Fact]
    public async Task Serve_PortInUse_NamesIt()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await ExpectAsync(3, $"127.0.0.1:{port} cannot be listened on", "serve", "--grpc-port", $"{port}", "--http-port", "0");
        await ExpectAsync(3, "--http-port", "serve", "--grpc-port", "0", "--http-port", $"{port}");
    }

    [Fact]
    public async Task Serve_EveryRowPastItsTtl_Warns()
    {
        // The end is fresh, the rows are those of one Monday long ago.
        Assert.Equal(0, (await _fstore.RunAsync("materialize", "2026-01-01", $"{DateTimeOffset.UtcNow.AddSeconds(-1):O}")).Code);
        using var server = _fstore.Start("serve", "--grpc-port", "0", "--http-port", "0");
        try
        {
            var line = await server.StandardError.ReadLineAsync();
            Assert.Contains("user_transactions_l1w has no online row newer than 2026-01-13", line, StringComparison.Ordinal);
            Assert.Contains("past its ttl of 14 days", line, StringComparison.Ordinal);
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task Import_UnreadableLine_NamesFileLineAndColumnAndAppendsNothing()
    {
        var file = Path.Combine(_fstore.Repo, "mine.csv");
        await File.WriteAllTextAsync(file, "id,customer,amount_eur,shop,booked_at\na1,u1,1,s,2026-01-05 10:00:00\na2,u1,much,s,2026-01-05 10:00:00\n");
        string[] import = ["import", "transactions", file, "--mapping", "mappings/transactions.yaml"];
        await ExpectAsync(3, $"{file}, line 3, column 'amount_eur': 'much'", import);
        Assert.Contains("\"Table\":\"cdc/transactions\",\"Rows\":0", (await _fstore.RunAsync("ingest", "--json")).Output, StringComparison.Ordinal);

        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace("much", "2", StringComparison.Ordinal));
        Assert.Contains("2 rows imported", (await _fstore.RunAsync(import)).Output, StringComparison.Ordinal);
        Assert.Contains("\"Table\":\"cdc/transactions\",\"Rows\":2", (await _fstore.RunAsync("ingest", "--json")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Import_WrongMapping_NamesThePlace()
    {
        var file = Path.Combine(_fstore.Repo, "mine.csv");
        await File.WriteAllTextAsync(file, "a,b\n1,2\n");
        await ExpectAsync(3, "no column 'id'", "import", "transactions", file, "--mapping", "mappings/transactions.yaml");
        var mapping = Path.Combine(_fstore.Repo, "mine.yaml");
        await File.WriteAllTextAsync(mapping, "columns:\n  transaction_id: a\n  colour: b\n");
        await ExpectAsync(1, "mine.yaml:3:11: 'colour'", "import", "transactions", file, "--mapping", mapping);
        await File.WriteAllTextAsync(mapping, "columns: [\n");
        await ExpectAsync(1, "mine.yaml:2:", "import", "transactions", file, "--mapping", mapping);
        await ExpectAsync(1, "absent.yaml", "import", "transactions", file, "--mapping", "absent.yaml");
        await ExpectAsync(2, "'soon'", "import", "transactions", file, "--mapping", "berka", "--shift-weeks", "soon");
    }

    [Fact]
    public async Task Ingest_WrongTimeUnit_IsRefused()
    {
        await File.AppendAllTextAsync(Path.Combine(_fstore.Repo, "feature_store.yaml"), "  ingest: {time_units: {transactions: {time: fortnights}}}\n");
        await ExpectAsync(2, "'fortnights'", "ingest");
    }

    private async Task ExpectAsync(int code, string text, params string[] arguments)
    {
        var result = await _fstore.RunAsync(arguments);
        Assert.Contains(text, result.Error, StringComparison.Ordinal);
        Assert.True(code == result.Code, $"{result.Code}: {result.Error}");
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        var verbose = await _fstore.RunAsync([.. arguments, "--verbose"]);
        Assert.Equal(code, verbose.Code);
        Assert.Contains("   at ", verbose.Error, StringComparison.Ordinal);
    }
}
