using System.Globalization;
using FeatureStore.Cli.Tests.Verbs;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Cli.Tests.EndToEnd;

/// <summary><c>kill -9</c> of compaction and vacuum at random moments: the rows stay, and the next run ends the work.</summary>
public sealed class KilledUpkeepTests : IDisposable
{
    private const string Table = "cdc/killed";
    private const long MicrosPerDay = 86_400_000_000;
    private static readonly bool IsLong = Environment.GetEnvironmentVariable("FSTORE_ROBUSTNESS") == "long";
    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [Fact]
    public async Task CompactAndVacuum_KilledAtRandom_LoseNoRowAndEndWhenRunAgain()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("FSTORE_ROBUSTNESS_SEED"), CultureInfo.InvariantCulture, out var given) ? given : 20_261_125;
        var random = new Random(seed);

        for (var commit = 0; commit < 5; commit++)
        {
            Append(commit);
        }

        var rows = await Rows();
        for (var kill = 0; kill < (IsLong ? 60 : 6); kill++)
        {
            if (kill % 4 == 0)
            {
                Append(5 + kill);
                rows = await Rows();
            }

            string[] work = kill % 2 == 0
                ? ["lake", "compact", Table]
                : ["lake", "vacuum", Table, "--retention-hours", "0", "--allow-short-retention"];
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

        await Ok("lake", "compact", Table);
        await Ok("lake", "vacuum", Table, "--retention-hours", "0", "--allow-short-retention");
        Assert.Equal(rows, await Rows());
        Assert.Contains("all is as the logs say", await Ok("lake", "check", Table), StringComparison.Ordinal);
    }

    // Twenty commit dates and both kinds, so that there is much to merge.
    private void Append(int commit)
    {
        var rows = Enumerable.Range(0, 200).Select(r => new ChangeRow(
            r % 2 == 0 ? "c" : "u", "s", (commit * 1_000) + r, 0, $"{{\"id\":{(commit * 1_000) + r}}}", r % 20 * MicrosPerDay, [], [$"u{r}", r * 1.5]));
        ChangeTable.Open(Path.Combine(_fstore.Repo, "data", "lake"), Table, [new LakeColumn("user_id", LakeType.String), new LakeColumn("amount", LakeType.Double)])
            .Append([.. rows], new LakeTxn("test", commit), CancellationToken.None);
    }

    private async Task<List<string>> Rows() =>
        [.. (await Ok("lake", "rows", Table)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];

    private async Task<string> Ok(params string[] arguments)
    {
        var (code, output, error) = await _fstore.RunAsync(arguments);
        Assert.True(code == 0, error + output);
        return output;
    }
}
