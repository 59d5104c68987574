using System.Globalization;
using System.Net;
using System.Text;

namespace FeatureStore.Training.Report;

/// <summary>One line or cloud of a chart.</summary>
/// <param name="Color">A CSS colour.</param>
internal sealed record Series(string Name, string Color, IReadOnlyList<(double X, double Y)> Points, bool HasDots = false, bool IsDashed = false);

/// <summary>An axis from one value to another, marked at round numbers.</summary>
internal sealed record Axis(string Label, double From, double To)
{
    private const int MarksMax = 6;

    public IEnumerable<double> Marks()
    {
        var step = Math.Pow(10, Math.Floor(Math.Log10((To - From) / MarksMax)));
        step *= new[] { 1.0, 2, 5, 10 }.First(f => (To - From) / (step * f) <= MarksMax);
        for (var n = Math.Ceiling((From - 1e-9) / step); n * step <= To + (step * 1e-9); n++)
        {
            // A negative zero would be printed as one.
            yield return (n * step) + 0.0;
        }
    }

    /// <summary>An axis that holds all values, and zero.</summary>
    public static Axis Around(string label, IEnumerable<double> values)
    {
        var (low, high) = (0.0, 0.0);
        foreach (var value in values)
        {
            (low, high) = (Math.Min(low, value), Math.Max(high, value));
        }

        return new Axis(label, low, high > low ? high + ((high - low) * 0.05) : low + 1);
    }
}

/// <summary>Charts as inline SVG: no script, no font and no picture from elsewhere. The same data gives the same text.</summary>
internal static class Chart
{
    private const int Width = 460;
    private const int Height = 320;
    private const int Left = 78;
    private const int Right = 14;
    private const int Top = 12;
    private const int Bottom = 46;
    private const int LegendLine = 17;
    private const int LegendTop = 8;
    private const int BarHeight = 24;
    private const int BarNames = 190;
    private const int BarValues = 56;

    public static string Lines(string description, Axis x, Axis y, IReadOnlyList<Series> series, bool hasDiagonal = false)
    {
        var svg = new StringBuilder();
        var height = Height + LegendTop + (series.Count * LegendLine);
        Begin(svg, description, height);
        foreach (var mark in x.Marks())
        {
            Line(svg, "grid", X(x, mark), Top, X(x, mark), Height - Bottom);
            Text(svg, X(x, mark), Height - Bottom + 16, "middle", Number(mark));
        }

        foreach (var mark in y.Marks())
        {
            Line(svg, "grid", Left, Y(y, mark), Width - Right, Y(y, mark));
            Text(svg, Left - 7, Y(y, mark) + 4, "end", Number(mark));
        }

        Line(svg, "axis", Left, Height - Bottom, Width - Right, Height - Bottom);
        Line(svg, "axis", Left, Top, Left, Height - Bottom);
        if (hasDiagonal)
        {
            Line(svg, "diagonal", X(x, Math.Max(x.From, y.From)), Y(y, Math.Max(x.From, y.From)), X(x, Math.Min(x.To, y.To)), Y(y, Math.Min(x.To, y.To)));
        }

        foreach (var one in series)
        {
            Draw(svg, x, y, one);
        }

        Text(svg, Left + ((Width - Left - Right) / 2.0), Height - 10, "middle", x.Label);
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"label\" text-anchor=\"middle\" transform=\"translate(14 {(Top + Height - Bottom) / 2}) rotate(-90)\">{Escape(y.Label)}</text>");
        for (var i = 0; i < series.Count; i++)
        {
            var at = Height + LegendTop + (i * LegendLine);
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{Left}\" x2=\"{Left + 22}\" y1=\"{at}\" y2=\"{at}\" stroke=\"{series[i].Color}\" stroke-width=\"2.5\"{Dash(series[i])}/>");
            Text(svg, Left + 30, at + 4, "start", series[i].Name);
        }

        return svg.Append("</svg>").ToString();
    }

    /// <summary>A bar per name, the longest as wide as the chart.</summary>
    public static string Bars(string description, IReadOnlyList<(string Name, double Value, string Text)> bars, string color)
    {
        var svg = new StringBuilder();
        Begin(svg, description, Math.Max(1, bars.Count) * BarHeight);
        var most = Math.Max(bars.Select(b => b.Value).DefaultIfEmpty().Max(), double.Epsilon);
        for (var i = 0; i < bars.Count; i++)
        {
            var width = (Width - BarNames - BarValues) * bars[i].Value / most;
            Text(svg, BarNames - 8, (i * BarHeight) + 16, "end", bars[i].Name);
            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{BarNames}\" y=\"{(i * BarHeight) + 4}\" width=\"{width:0.#}\" height=\"{BarHeight - 8}\" fill=\"{color}\"/>");
            Text(svg, BarNames + width + 6, (i * BarHeight) + 16, "start", bars[i].Text);
        }

        return svg.Append("</svg>").ToString();
    }

    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    /// <summary>A number as a person reads it, to four digits.</summary>
    public static string Number(double value) => Math.Abs(value) >= 1_000 ? value.ToString("N0", CultureInfo.InvariantCulture)
        : Math.Abs(value) >= 10 ? value.ToString("0.#", CultureInfo.InvariantCulture)
        : value.ToString("0.####", CultureInfo.InvariantCulture);

    private static void Begin(StringBuilder svg, string description, int height) => svg.Append(
        CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {height}\" role=\"img\" aria-label=\"{Escape(description)}\" xmlns=\"http://www.w3.org/2000/svg\">");

    private static void Draw(StringBuilder svg, Axis x, Axis y, Series series)
    {
        svg.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{series.Color}\" stroke-width=\"2\"{Dash(series)} points=\"");
        foreach (var (px, py) in series.Points)
        {
            svg.Append(CultureInfo.InvariantCulture, $"{X(x, px):0.#},{Y(y, py):0.#} ");
        }

        svg.Append("\"/>");
        if (series.HasDots)
        {
            foreach (var (px, py) in series.Points)
            {
                svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{X(x, px):0.#}\" cy=\"{Y(y, py):0.#}\" r=\"3.5\" fill=\"{series.Color}\"/>");
            }
        }
    }

    private static string Dash(Series series) => series.IsDashed ? " stroke-dasharray=\"5 4\"" : string.Empty;

    private static void Line(StringBuilder svg, string style, double x1, double y1, double x2, double y2) =>
        svg.Append(CultureInfo.InvariantCulture, $"<line class=\"{style}\" x1=\"{x1:0.#}\" y1=\"{y1:0.#}\" x2=\"{x2:0.#}\" y2=\"{y2:0.#}\"/>");

    private static void Text(StringBuilder svg, double x, double y, string anchor, string text) =>
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\">{Escape(text)}</text>");

    private static double X(Axis axis, double value) => Left + ((Math.Clamp(value, axis.From, axis.To) - axis.From) / (axis.To - axis.From) * (Width - Left - Right));

    private static double Y(Axis axis, double value) => Height - Bottom - ((Math.Clamp(value, axis.From, axis.To) - axis.From) / (axis.To - axis.From) * (Height - Top - Bottom));
}
