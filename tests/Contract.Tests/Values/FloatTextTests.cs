using System.Globalization;
using FeatureStore.Contract.Values;

namespace FeatureStore.Contract.Tests.Values;

public sealed class FloatTextTests
{
    [Fact]
    public void Format_EveryRecordedDouble_GivesPythonsText()
    {
        var rows = GoldenFile.Load("python_numbers.json").GetProperty("floats").EnumerateArray().ToArray();
        Assert.Equal(400, rows.Length);
        foreach (var row in rows)
        {
            var bits = ulong.Parse(row.GetProperty("bits_hex").GetString()!, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            Assert.Equal(row.GetProperty("repr").GetString(), FloatText.Format(BitConverter.UInt64BitsToDouble(bits)));
        }
    }

    [Theory]
    [InlineData(double.NaN, "nan")]
    [InlineData(double.PositiveInfinity, "inf")]
    [InlineData(double.NegativeInfinity, "-inf")]
    public void Format_NotFinite_GivesPythonsName(double value, string text) => Assert.Equal(text, FloatText.Format(value));
}
