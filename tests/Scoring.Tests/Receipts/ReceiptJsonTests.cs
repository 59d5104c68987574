using FeatureStore.Scoring.Online;
using FeatureStore.Scoring.Receipts;
using FeatureStore.Scoring.Runtime;
using FeatureColumn = FeatureStore.Scoring.Scores.FeatureColumn;

namespace FeatureStore.Scoring.Tests.Receipts;

public sealed class ReceiptJsonTests
{
    private const int Seed = 20_261_125;
    private const int Times = 300;

    [Fact]
    public void Line_OfAnyValues_ReadsBackToTheSameBits()
    {
        for (var round = 0; round < Times; round++)
        {
            var random = new Random(Seed + round);
            var rows = random.Next(0, 5);
            var doubles = Many(rows, () => BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)));
            var floats = Many(rows, () => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)));
            var longs = Many(rows, () => random.NextInt64(long.MinValue, long.MaxValue));
            var texts = Many(rows, () => new string([.. Enumerable.Range(0, 6).Select(_ => (char)random.Next(1, 0xD7FF))]));
            var nulls = Many(rows, () => random.Next(2) == 0);
            var receipt = new Receipt(
                "r", new DateTimeOffset(2026, 11, 25, 1, 2, 3, 456, TimeSpan.Zero).AddTicks(random.Next(10_000)), "m", "1", "ab", "s",
                Many(rows, () => new ReceiptRow("k", (RowOutcome)random.Next(3))),
                [FeatureColumn.Of("d", doubles, nulls), FeatureColumn.Of("f", floats), FeatureColumn.Of("l", longs, nulls), FeatureColumn.Of("t", texts), FeatureColumn.Of("b", nulls)],
                [Tensor.Of("o", [rows], floats), Tensor.Of("p", [rows, 1], doubles), Tensor.Of("q", [rows], Many(rows, () => (ulong)random.NextInt64()))]);
            var line = ReceiptJson.Line(receipt);
            Assert.Equal(1, line.Count(b => b == '\n'));
            var read = ReceiptJson.Read(line, "line");
            Assert.Equal(System.Text.Encoding.UTF8.GetString(line), System.Text.Encoding.UTF8.GetString(ReceiptJson.Line(read)));
            Assert.True(read.Outputs.Zip(receipt.Outputs).All(p => ReceiptValues.SameBits(p.First, p.Second)), $"seed {Seed + round}");
            Assert.Equal(doubles.Select((d, i) => nulls[i] ? 0 : Bits(d)), Enumerable.Range(0, rows).Select(i => read.Features[0].ValueAt(i) is double d ? Bits(d) : 0));
            Assert.Equal(receipt.Time, read.Time);
        }
    }

    [Fact]
    public void Read_OfADamagedLine_IsRefusedAndNeverCrashes()
    {
        var line = ReceiptJson.Line(new Receipt(
            "r", DateTimeOffset.UnixEpoch, "m", "1", "ab", "s", [new ReceiptRow("k", RowOutcome.Scored)], [FeatureColumn.Of("d", [1.5])], [Tensor.Of("o", [1, 1], [0.25f])]));
        var random = new Random(Seed);
        for (var i = 0; i < 5_000; i++)
        {
            var damaged = (byte[])line.Clone();
            damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            try
            {
                ReceiptJson.Read(damaged.AsMemory(0, random.Next(4) == 0 ? random.Next(damaged.Length) : damaged.Length), "line");
            }
            catch (ReceiptException)
            {
                // Refused, as it should be. Another letter of a name or number is for the replay to find.
            }
        }
    }

    private static long Bits(double value) => double.IsNaN(value) ? -1 : BitConverter.DoubleToInt64Bits(value);

    private static T[] Many<T>(int count, Func<T> make) => [.. Enumerable.Range(0, count).Select(_ => make())];
}
