using System.Globalization;
using Xunit.Abstractions;

namespace FeatureStore.Cli.Tests.Kills;

/// <summary>
/// The whole road on real servers, from PostgreSQL that is written to meanwhile over an S3 lake into Redis, and every other time over Kafka too, with
/// <c>kill -9</c> of each job and troubles of each server: in the end every feature is what SQL says in PostgreSQL, and the slot was never told of more than
/// the lake held.
/// </summary>
public sealed class RoadKillTests(ITestOutputHelper output)
{
    private const int KillsPerRoad = 40;
    private const int RoadsLeast = 2; // One over Kafka.
    private const int KillsUsually = 25;

    [SkippableFact]
    public async Task Road_KilledAnywhere_EndsWithTheFeaturesOfSql()
    {
        var wanted = Number("FSTORE_KILLS", KillsUsually);
        var seed = Number("FSTORE_KILLS_SEED", 20261130);
        var total = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (var road = 0; road < RoadsLeast || total.Values.Sum() < wanted; road++)
        {
            try
            {
                await using var killed = await KilledRoad.StartAsync(new Random(seed + road), isOverKafka: (seed + road) % 2 != 0);
                var left = wanted - total.Values.Sum();
                await killed.RunAsync(Math.Min(KillsPerRoad, road == 0 ? (left + 1) / 2 : left));
                foreach (var (where, count) in killed.Kills)
                {
                    total[where] = total.GetValueOrDefault(where) + count;
                }

                output.WriteLine($"seed {seed + road}: {killed.Kills.Values.Sum()} kills, {killed.Samples} samples of the slot's position, {killed.Written} statements meanwhile; {string.Join(", ", killed.Troubles.CountBy(t => t).OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => $"{t.Value} × {t.Key}"))}");
            }
            catch (Exception e) when (e is not SkipException)
            {
                throw new Xunit.Sdk.XunitException($"FSTORE_KILLS_SEED={seed + road}: {e.Message}", e);
            }
        }

        output.WriteLine($"{total.Values.Sum()} kills, seed {seed}");
        foreach (var (where, count) in total)
        {
            output.WriteLine($"{count,5} {where}");
        }
    }

    private static int Number(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
