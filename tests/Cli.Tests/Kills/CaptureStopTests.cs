using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using FeatureStore.Cli.Tests.Verbs;
using FeatureStore.Tests.Servers;
using Npgsql;
using static FeatureStore.Cli.Tests.Kills.CaptureCommands;

namespace FeatureStore.Cli.Tests.Kills;

/// <summary>SIGTERM ends a capture in order: what it has whole is landed and confirmed, and the next one goes on without loss or repetition.</summary>
public sealed class CaptureStopTests
{
    private const int Outside = 3;
    private const string Update = "UPDATE transactions SET amount = amount + 1 WHERE mod(abs(hashtext(transaction_id)), 5) = 1";

    [SkippableFact]
    public async Task Capture_ToldToStopUnderWrites_LandsAndConfirmsAndGoesOn()
    {
        await using var server = await PostgresServer.StartAsync("wal_level=logical");
        using var fstore = new Fstore();
        await GenerateAsync(server, fstore, 3);
        await EndAsync(Start(server, fstore, null, "capture", "--until-caught-up"), 0);
        var before = await RawRowsAsync(server, fstore);
        using var enough = new CancellationTokenSource();
        var writer = WriteAsync(server, enough.Token);
        for (var round = 0; round < (TestProgram.IsLong ? 5 : 2); round++)
        {
            var follow = Start(server, fstore, null, "capture");
            var commits = Commits(fstore);
            await TestProgram.PollAsync("A landing", _ => Task.FromResult(Commits(fstore) > commits));
            await TerminateAsync(follow);
            Assert.Contains("0 rows of a snapshot and ", await EndAsync(follow, 0), StringComparison.Ordinal);
            var status = JsonNode.Parse(await EndAsync(Start(server, fstore, null, "capture", "status", "--json"), 0))!;
            Assert.Equal("idle", status["State"]!.GetValue<string>());
            Assert.Equal(status["DurableLsn"]!.GetValue<string>(), status["ConfirmedLsn"]!.GetValue<string>());
        }

        await enough.CancelAsync();
        var changes = await writer;
        await EndAsync(Start(server, fstore, null, "capture", "--until-caught-up"), 0);
        Assert.Equal(await SqlRowsAsync(server), LakeRows(fstore));
        Assert.Equal(before + changes, await RawRowsAsync(server, fstore));
    }

    [SkippableTheory]
    [InlineData(0, "capture")]
    [InlineData(Outside, "capture", "--until-caught-up")]
    public async Task Capture_ToldToStopBeforeItsSnapshot_SaysWhetherItWasDone_AndIsBegunAnew(int code, params string[] command)
    {
        TestProgram.NeedLong(code == 0);
        await using var server = await PostgresServer.StartAsync("wal_level=logical");
        using var fstore = new Fstore();
        await GenerateAsync(server, fstore, 1);
        await using var connection = new NpgsqlConnection(Connection(server));
        await connection.OpenAsync();
        await using var writer = await connection.BeginTransactionAsync();
        await using var update = new NpgsqlCommand(Update, connection);
        await update.ExecuteNonQueryAsync();

        // A slot waits for transactions that run.
        var capture = Start(server, fstore, null, command);
        await TestProgram.PollAsync("The slot's wait", async _ => await ScalarAsync(server, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender' AND query LIKE 'CREATE_REPLICATION_SLOT%' AND wait_event IS NOT NULL") is 1L);
        await TerminateAsync(capture);
        await EndAsync(capture, code);
        await writer.CommitAsync();
        await EndAsync(Start(server, fstore, null, "capture", "--until-caught-up"), 0);
        Assert.Equal(await SqlRowsAsync(server), LakeRows(fstore));
    }

    private static async Task TerminateAsync(Process process)
    {
        using var stop = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await stop.WaitForExitAsync();
    }

    private static int Commits(Fstore fstore) => Directory.GetFiles(Path.Combine(fstore.Repo, "data", "lake", "cdc", "transactions", "_delta_log"), "*.json").Length;

    private static async Task<object?> ScalarAsync(PostgresServer server, string sql)
    {
        await using var connection = new NpgsqlConnection(Connection(server));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    /// <summary>Writes until told that it is enough.</summary>
    /// <returns>Rows changed.</returns>
    private static async Task<long> WriteAsync(PostgresServer server, CancellationToken enough)
    {
        await using var connection = new NpgsqlConnection(Connection(server));
        await connection.OpenAsync(enough);
        using var period = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var changes = 0L;
        try
        {
            while (await period.WaitForNextTickAsync(enough))
            {
                await using var command = new NpgsqlCommand(Update, connection);
                changes += await command.ExecuteNonQueryAsync(CancellationToken.None);
            }
        }
        catch (OperationCanceledException)
        {
            // Enough.
        }

        return changes;
    }
}
