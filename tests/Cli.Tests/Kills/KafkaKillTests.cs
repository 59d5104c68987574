using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using FeatureStore.Cli.Tests.Verbs;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Import;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake.Upkeep;
using FeatureStore.Tests.Servers;
using static FeatureStore.Cli.Tests.Kills.CaptureCommands;

namespace FeatureStore.Cli.Tests.Kills;

/// <summary><c>fstore ingest --from kafka</c> as a process: told to stop, killed at named steps and random moments, its broker with it. No change is lost, none is there twice.</summary>
public sealed class KafkaKillTests
{
    private static readonly int Portions = TestProgram.IsLong ? 8 : 3;
    private const int SigKilled = 137;
    private const string Transactions = "cdc/transactions";
    private static readonly string[] Steps = ["Ingest/BatchRead", "Ingest/LettersNoted", "Lake/FileStaged", "Lake/FileMoved", "Lake/CommitReady", "Lake/CommitDone", "Ingest/BatchLanded", "Ingest/PositionNoted"];
    private static readonly string Topic = ImportTable.Transactions.Topic;

    [SkippableFact]
    public async Task Ingest_KilledAnywhere_HoldsTheRowsOfTheEmbeddedLogOnce()
    {
        var seed = Environment.GetEnvironmentVariable("FSTORE_KILLS_SEED") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : 20261129;
        var random = new Random(seed);
        KafkaServer.Need();
        await using var server = await KafkaServer.StartAsync("num.partitions=3");
        using var oracle = new Fstore();
        var messages = await BankAsync(oracle);
        using var fstore = new Fstore();
        var (kills, brokerKills, round) = (0, 0, 0);
        foreach (var portion in messages.Chunk((messages.Count / Portions) + 1))
        {
            server.Write(Topic, portion);
            var step = round % 3 == 2 ? null : Steps[(round * 3) % Steps.Length];
            using var ingest = Start(server, fstore, step is null ? null : $"FeatureStore-{step}/1", "ingest", "--from", "kafka");
            if (step is null)
            {
                // The broker goes first, by SIGKILL too, and comes back before or after the ingest is gone.
                await MomentAsync(ingest, random);
                server.Kill();
                brokerKills++;
                var isBackFirst = random.Next(2) == 0;
                if (isBackFirst)
                {
                    await server.RestartAsync();
                }

                await MomentAsync(ingest, random);
                ingest.Kill();
                if (!isBackFirst)
                {
                    await server.RestartAsync();
                }
            }

            await ingest.WaitForExitAsync();
            Assert.True(step is null || ingest.ExitCode == SigKilled, $"FSTORE_KILLS_SEED={seed}: {step} was not reached ({await ingest.StandardError.ReadToEndAsync()})");
            kills += ingest.ExitCode == SigKilled ? 1 : 0;
            round++;
        }

        var ends = await EndAsync(Start(server, fstore, null, "ingest", "--from", "kafka", "--json"), 0);
        Assert.All(Lines(ends), e => Assert.Equal(0, (long)e["LagEvents"]!));
        Assert.True(kills >= Portions / 2 && brokerKills >= Portions / 3, $"{kills} kills, {brokerKills} of the broker");
        Assert.Equal((seed, Raw(oracle)), (seed, Raw(fstore)));
        Assert.Equal(Rows(oracle), Rows(fstore));
    }

    [SkippableFact]
    public async Task Follow_ToldToStop_EndsWithCodeZeroAndTheLakeWhole()
    {
        KafkaServer.Need();
        await using var server = await KafkaServer.StartAsync("num.partitions=3");
        using var oracle = new Fstore();
        var messages = await BankAsync(oracle);
        using var fstore = new Fstore();
        server.Write(Topic, messages);
        using var follow = Start(server, fstore, null, "ingest", "--from", "kafka", "--follow");
        await TestProgram.PollAsync("All rows", _ => Task.FromResult(Raw(fstore) == Raw(oracle)));
        using (var stop = Process.Start("kill", ["-TERM", follow.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await stop.WaitForExitAsync();
        }

        Assert.Contains("0 messages behind", await EndAsync(follow, 0), StringComparison.Ordinal);
        Assert.Equal(Rows(oracle), Rows(fstore));
    }

    [SkippableFact]
    public async Task Ingest_WithoutAServerOrWithOddOptions_SaysWhatToDo()
    {
        using var fstore = new Fstore();
        var (code, _, error) = await fstore.RunAsync("ingest", "--from", "kafka");
        Assert.Equal(2, code);
        Assert.Contains("FSTORE__KAFKA__BOOTSTRAP_SERVERS", error, StringComparison.Ordinal);
        foreach (var (arguments, says) in new (string[], string)[]
        {
            (["--from", "rabbit"], "--from is 'rabbit'"),
            (["--follow"], "are for '--from kafka'"),
            (["--from", "kafka", "--start", "offset", "x"], "--start is 'offset x'"),
            (["--from", "kafka", "--accept-gap"], "--accept-gap needs --start"),
        })
        {
            (code, _, error) = await fstore.RunAsync(["ingest", .. arguments]);
            Assert.True(code == 2 && error.Contains(says, StringComparison.Ordinal), $"{code}: {error}");
        }
    }

    // A bank in the embedded log, landed from there, and its messages.
    private static async Task<List<KafkaRecord>> BankAsync(Fstore fstore)
    {
        Assert.Equal(0, (await fstore.RunAsync("generate", "--users", "200", "--seed", "5", "--first-day", "2026-01-05", "--days", "20")).Code);
        Assert.Equal(0, (await fstore.RunAsync("ingest")).Code);
        using var log = EmbeddedChangeLog.Open(Path.Combine(fstore.Repo, "data", "log.db"));
        return [.. log.Read(log.Topic(Topic), 0, int.MaxValue).Select(m => new KafkaRecord(m.Message.Key, m.Message.Value))];
    }

    private static async Task MomentAsync(Process ingest, Random random)
    {
        using var moment = new CancellationTokenSource(TimeSpan.FromMilliseconds(500 + random.Next(2_000)));
        await ingest.WaitForExitAsync(moment.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    private static Process Start(KafkaServer server, Fstore fstore, string? fault, params string[] arguments)
    {
        var environment = KafkaEnvironment.Of(server);
        if (fault is not null)
        {
            environment["DOTNET_STARTUP_HOOKS"] = Path.Combine(AppContext.BaseDirectory, "FeatureStore.Tests.Faults.dll");
            environment["FSTORE_FAULT"] = fault;
        }

        return fstore.Start(environment, arguments);
    }

    private static IEnumerable<JsonNode> Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!);

    private static string Lake(Fstore fstore) => Path.Combine(fstore.Repo, "data", "lake");

    private static long? Raw(Fstore fstore) => LakeFolder.Tables(Lake(fstore), CancellationToken.None).SingleOrDefault(t => t.Path == Transactions)?.Rows;

    private static List<string> Rows(Fstore fstore) =>
    [
        .. new SourceRows(Lake(fstore)).KnownAt(Transactions, SourceRows.Now, CancellationToken.None)
            .Select(r => string.Join('|', r.Values.Select(v => Convert.ToString(v, CultureInfo.InvariantCulture)))).Order(StringComparer.Ordinal),
    ];
}
