using System.Globalization;
using FeatureStore.Cli.Tests.Verbs;

namespace FeatureStore.Cli.Tests.EndToEnd;

/// <summary><c>kill -9</c> of compaction and vacuum at random moments: the rows stay, and the next run ends the work.</summary>
public sealed class KilledUpkeepTests : IDisposable
{
    private static readonly bool s_isLong = Environment.GetEnvironmentVariable("FSTORE_ROBUSTNESS") == "long";
    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [Fact]
    public async Task CompactAndVacuum_KilledAtRandom_LoseNoRowAndEndWhenRunAgain()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("FSTORE_ROBUSTNESS_SEED"), CultureInfo.InvariantCulture, out var given) ? given : 20_261_125;
        var random = new Random(seed);

        // More events than one commit takes, so that commits share their dates.
        await Ok("generate", "--users", "300", "--days", "60", "--seed", "7");
        await Ok("ingest");
        var rows = await Rows();
        for (var kill = 0; kill < (s_isLong ? 60 : 6); kill++)
        {
            string[] work = kill % 2 == 0
                ? ["lake", "compact", "cdc/transactions"]
                : ["lake", "vacuum", "cdc/transactions", "--retention-hours", "0", "--allow-short-retention"];
            using var process = _fstore.Start(work);
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(random.Next(50, 900)))
            {
                process.Kill();
            }

            await process.WaitForExitAsync();
            _ = (await output, await error);
            Assert.True(rows.SequenceEqual(await Rows()), $"seed {seed}: kill {kill} of {string.Join(' ', work)} changed the rows");
        }

        await Ok("lake", "compact", "cdc/transactions");
        await Ok("lake", "vacuum", "cdc/transactions", "--retention-hours", "0", "--allow-short-retention");
        Assert.Equal(rows, await Rows());
        Assert.Contains("all is as the logs say", await Ok("lake", "check", "cdc/transactions"), StringComparison.Ordinal);
    }

    private async Task<List<string>> Rows() =>
        [.. (await Ok("lake", "rows", "cdc/transactions")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];

    private async Task<string> Ok(params string[] arguments)
    {
        var (code, output, error) = await _fstore.RunAsync(arguments);
        Assert.True(code == 0, error + output);
        return output;
    }
}
