using System.Globalization;
using System.Text.Json;
using FeatureStore.Scoring.Runtime;

namespace FeatureStore.Scoring.Tests.Cases;

/// <summary>Compares answers with recorded ones, at the tolerance that the record states.</summary>
internal static class Expected
{
    private const double ProbabilityTolerance = 1e-6;
    private const double ScoreTolerance = 1e-5;

    /// <param name="relative">Tolerance of values beyond [0, 1], relative and absolute.</param>
    public static void Same(JsonElement expected, Tensor actual, double relative = ScoreTolerance)
    {
        if (expected.GetProperty("type").GetString()!.StartsWith("seq(map(", StringComparison.Ordinal))
        {
            SameMaps(expected, actual);
            return;
        }

        var tensor = GoldenCase.Read(expected, actual.Name);
        Assert.Equal(tensor.Shape, actual.Shape);
        SameValues(tensor, actual, relative);
    }

    /// <summary>Compares values in order, whatever the shapes.</summary>
    public static void SameValues(Tensor expected, Tensor actual, double relative = ScoreTolerance)
    {
        var wanted = Values(expected);
        var given = Values(actual);
        Assert.Equal(wanted.Length, given.Length);
        var isProbability = wanted.All(v => v is not double d || d is >= 0 and <= 1 || double.IsNaN(d));
        for (var i = 0; i < wanted.Length; i++)
        {
            if (wanted[i] is double number)
            {
                var tolerance = isProbability ? ProbabilityTolerance : relative + (relative * Math.Abs(number));
                var other = Assert.IsType<double>(given[i]);
                Assert.True(
                    number.Equals(other) || Math.Abs(number - other) <= tolerance,
                    string.Create(CultureInfo.InvariantCulture, $"{actual.Name}[{i}] is {other:R}, recorded is {number:R}"));
            }
            else
            {
                Assert.Equal(wanted[i], given[i]);
            }
        }
    }

    private static void SameMaps(JsonElement expected, Tensor actual)
    {
        Assert.Equal(expected.GetProperty("keys").EnumerateArray().Select(k => k.ToString()), actual.Classes!);
        var rows = expected.GetProperty("values").EnumerateArray().ToArray();
        var values = rows.SelectMany(r => r.EnumerateArray()).Select(v => float.Parse(v.GetRawText(), CultureInfo.InvariantCulture)).ToArray();
        SameValues(Tensor.Of(actual.Name, [values.Length], values), actual);
        Assert.Equal(rows.Length, actual.Rows);
    }

    private static object[] Values(Tensor tensor) => tensor.Type switch
    {
        TensorType.Float => [.. tensor.Span<float>().ToArray().Select(v => (object)(double)v)],
        TensorType.Double => [.. tensor.Span<double>().ToArray().Select(v => (object)v)],
        TensorType.Float16 => [.. tensor.Span<Half>().ToArray().Select(v => (object)(double)v)],
        TensorType.String => [.. tensor.Span<string>()],
        _ => [.. ((System.Collections.IEnumerable)tensor.Values).Cast<object>().Select(v => (object)Convert.ToString(v, CultureInfo.InvariantCulture)!)],
    };
}
