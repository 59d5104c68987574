using System.Globalization;

namespace FeatureStore.OfflineStore.Explain;

/// <summary>
/// An aggregation over the rows of a window, in plain arithmetic that shares nothing with the SQL that computed the feature table: floating numbers are
/// added one after the other in ascending order.
/// </summary>
internal static class WindowArithmetic
{
    private const int ShownMax = 8;

    /// <summary>The rows in the order of the arithmetic.</summary>
    public static IReadOnlyList<SourceRow> Ordered(string function, IEnumerable<SourceRow> rows) => function is "sum" or "mean" or "min" or "max"
        ? [.. rows.OrderBy(r => r.Value is null).ThenBy(r => Sortable(r.Value)).ThenBy(r => r.Lsn).ThenBy(r => r.Key, StringComparer.Ordinal)]
        : [.. rows.OrderBy(r => r.EventTimeMicros).ThenBy(r => r.Lsn).ThenBy(r => r.Key, StringComparer.Ordinal)];

    /// <summary>The result and how it came about.</summary>
    /// <param name="countsRows">True for a count that reads no column.</param>
    public static (object? Result, string Text) Of(string function, IReadOnlyList<SourceRow> rows, bool countsRows)
    {
        var values = rows.Select(r => r.Value).Where(v => v is not null).Select(v => v!).ToArray();
        switch (function)
        {
            case "count":
                var count = countsRows ? rows.Count : values.Length;
                return ((long)count, $"count of {rows.Count} rows{(count < rows.Count ? $", {rows.Count - count} of them null" : "")} = {count}");
            case "count_distinct":
                var distinct = values.Select(Canonical).Distinct().ToArray();
                return ((long)distinct.Length, $"distinct of {values.Length} values: {Joined(distinct, ", ")} = {distinct.Length}");
            case "sum":
                var total = Total(values);
                return (total, $"{Joined(values, " + ", "0")} = {Text(total)}");
            case "mean":
                if (values.Length == 0)
                {
                    return (null, "no values, so there is no average");
                }

                var mean = Plain(Convert.ToDouble(Total(values), CultureInfo.InvariantCulture) / values.Length);
                return (mean, $"({Joined(values, " + ")}) / {values.Length} = {Text(mean)}");
            case "min" or "max":
                var bound = values.Length == 0 ? null : function == "min" ? Canonical(values[0]) : Canonical(values[^1]);
                return (bound, $"{function} of {Joined(values, ", ", "nothing")} = {(bound is null ? "null" : Text(bound))}");
            default:
                throw new ArgumentOutOfRangeException(nameof(function), function, "Not an aggregation.");
        }
    }

    private static object Total(object[] values)
    {
        if (values.Length > 0 && values[0] is long or int)
        {
            return values.Aggregate(0L, (sum, v) => checked(sum + Convert.ToInt64(v, CultureInfo.InvariantCulture)));
        }

        return Plain(values.Aggregate(0.0, (sum, v) => sum + (double)v));
    }

    // NaN is the greatest number in SQL, and the least in .NET.
    private static (bool IsNaN, object? Value) Sortable(object? value) => value is double number ? (double.IsNaN(number), Plain(number)) : (false, value);

    private static object Canonical(object value) => value is double number ? Plain(number) : value;

    // -0 is written as 0.
    private static double Plain(double number) => number + 0.0;

    private static string Joined(object[] values, string by, string none = "")
    {
        if (values.Length == 0)
        {
            return none;
        }

        var shown = values.Take(ShownMax).Select(Text);
        return string.Join(by, values.Length > ShownMax ? shown.Append($"… ({values.Length - ShownMax} more)") : shown);
    }

    private static string Text(object value) => value is double number ? number.ToString("R", CultureInfo.InvariantCulture) : Convert.ToString(value, CultureInfo.InvariantCulture)!;
}
