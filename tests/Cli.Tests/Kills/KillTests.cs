using System.Globalization;
using Xunit.Abstractions;

namespace FeatureStore.Cli.Tests.Kills;

/// <summary><c>kill -9</c> at named steps and at random moments: no row is lost, none is there twice, and every number is that of the undisturbed run.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int KillsPerBank = 25;

    [Fact]
    public async Task Jobs_KilledAnywhere_EndAsIfNothingHadHappened()
    {
        var wanted = Number("FSTORE_KILLS", KillsPerBank);
        var seed = Number("FSTORE_KILLS_SEED", 20261125);
        var total = new Dictionary<string, int>();
        for (var bank = 0; total.Values.Sum() < wanted; bank++)
        {
            try
            {
                await KillAsync(seed + bank, Math.Min(KillsPerBank, wanted - total.Values.Sum()), total);
            }
            catch (Exception e)
            {
                throw new Xunit.Sdk.XunitException($"FSTORE_KILLS_SEED={seed + bank}: {e.Message}", e);
            }
        }

        output.WriteLine($"{total.Values.Sum()} kills, seed {seed}");
        foreach (var (where, count) in total.OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            output.WriteLine($"{count,5} {where}");
        }
    }

    private static async Task KillAsync(int seed, int kills, Dictionary<string, int> total)
    {
        using var bank = new KilledBank(new Random(seed));
        await bank.BeginAsync();
        while (bank.KillCount < kills)
        {
            await bank.RoundAsync();
        }

        await bank.CompareAsync();
        foreach (var (where, count) in bank.Kills)
        {
            total[where] = total.GetValueOrDefault(where) + count;
        }
    }

    private static int Number(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
