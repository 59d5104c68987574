namespace FeatureStore.Serving.Tests.Robustness;

/// <summary>How much is tried, and from which seed: a few seconds' worth, or ten times that with <c>FSTORE_ROBUSTNESS=long</c>.</summary>
internal static class Fuzzing
{
    private const int LongFactor = 10;

    /// <summary><c>FSTORE_ROBUSTNESS_SEED</c>, or always the same.</summary>
    public static int Seed { get; } = int.TryParse(Environment.GetEnvironmentVariable("FSTORE_ROBUSTNESS_SEED"), out var seed) ? seed : 20_261_124;

    public static int Times(int count) => Environment.GetEnvironmentVariable("FSTORE_ROBUSTNESS") == "long" ? count * LongFactor : count;

    /// <summary>One to four changes of a byte, a cut, or a piece twice.</summary>
    public static byte[] Mutate(byte[] valid, Random random)
    {
        var bytes = (byte[])valid.Clone();
        for (var n = random.Next(1, 5); n > 0; n--)
        {
            var at = random.Next(bytes.Length);
            var to = random.Next(at, bytes.Length);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2 when to - at < bytes.Length - 1:
                    bytes = [.. bytes[..at], .. bytes[to..]];
                    break;
                default:
                    bytes = [.. bytes[..to], .. bytes[at..]];
                    break;
            }
        }

        return bytes;
    }
}
