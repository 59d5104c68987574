using System.Globalization;
using System.Text.RegularExpressions;
using FeatureStore.Cli.Tests.Kills;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Cli.Tests.Verbs;

/// <summary><c>fstore demo --full</c> on real servers.</summary>
public sealed partial class DemoFullTests : IDisposable
{
    private const int SigKilled = 137;
    private static readonly string[] Arguments = ["demo", "--full", "--users", "60", "--days", "6"];
    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [SkippableFact]
    public async Task Full_KilledRepeatedAndFresh_HasTheSameRowsBothWays()
    {
        KafkaServer.Need();
        await using var postgres = await PostgresServer.StartAsync("wal_level=logical");
        await using var redis = await RedisServer.StartAsync();
        await using var kafka = await KafkaServer.StartAsync("num.partitions=3");
        var environment = Environment(postgres, redis, kafka);

        // Sent to Kafka and not landed: the same events go once more.
        var killed = await RunAsync(new(environment) { ["DOTNET_STARTUP_HOOKS"] = Path.Combine(AppContext.BaseDirectory, "FeatureStore.Tests.Faults.dll"), ["FSTORE_FAULT"] = "FeatureStore-Lake/CommitReady/1" }, Arguments);
        Assert.True(killed.Code == SigKilled, killed.Text);
        foreach (var arguments in TestProgram.IsLong ? [Arguments, Arguments, [.. Arguments, "--fresh"]] : new string[][] { Arguments })
        {
            var (code, text) = await RunAsync(environment, arguments);
            Assert.True(code == 0, text);
            var rows = Compared().Matches(text);
            Assert.Equal(2, rows.Count);
            Assert.All(rows, m => Assert.Equal(m.Groups["all"].Value, m.Groups["equal"].Value));
            Assert.All(rows, m => Assert.True(int.Parse(m.Groups["all"].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture) > 60, text));
            var end = Ends().Match(text);
            Assert.True(end.Success && end.Groups["equal"].Value == end.Groups["all"].Value, text);
            Assert.Contains("Debezium itself is not run", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Full_WithoutServers_SaysHowToStartThem()
    {
        var (code, _, error) = await _fstore.RunAsync(Arguments);
        Assert.Equal(2, code);
        Assert.Contains("./fstore dev up", error, StringComparison.Ordinal);
        Assert.Equal(2, (await _fstore.RunAsync("demo", "--full", "--synthetic")).Code);
    }

    private static Dictionary<string, string> Environment(PostgresServer postgres, RedisServer redis, KafkaServer kafka) => new(KafkaEnvironment.Of(kafka))
    {
        ["FSTORE__POSTGRES__CONNECTION_STRING"] = $"Host=127.0.0.1;Port={postgres.Port};Username={postgres.User};Database=postgres",
        ["FSTORE_REDIS"] = redis.Address,
    };

    private async Task<(int Code, string Text)> RunAsync(Dictionary<string, string> environment, string[] arguments)
    {
        using var process = _fstore.Start(environment, arguments);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await error);
    }

    [GeneratedRegex(@": (?<equal>[\d,]+) of (?<all>[\d,]+) equal, captured and over Kafka")]
    private static partial Regex Compared();

    [GeneratedRegex(@"^(?<equal>[\d,]+) of (?<all>[\d,]+) equal: ", RegexOptions.Multiline)]
    private static partial Regex Ends();
}
