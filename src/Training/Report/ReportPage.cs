using System.Globalization;
using System.Text;

namespace FeatureStore.Training.Report;

/// <summary>A training's report as one HTML page that needs nothing else. No clock is in it: the same data gives the same page.</summary>
public static class ReportPage
{
    private const string Style =
        """
        :root { color-scheme: light; }
        body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: #1c2733; background: #f4f5f7; margin: 0; }
        main { max-width: 1060px; margin: 0 auto; padding: 28px 24px 48px; }
        h1 { font-size: 25px; line-height: 1.25; margin: 0 0 4px; }
        h2 { font-size: 16px; margin: 0 0 8px; }
        .lead { color: #51606f; margin: 0 0 22px; }
        section, figure { background: #fff; border: 1px solid #dfe3e8; border-radius: 8px; padding: 16px 18px; margin: 0 0 18px; }
        .verdict { border-left: 4px solid #1f5fa8; }
        .verdict p { margin: 0 0 6px; } .verdict p:last-child { margin: 0; }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(430px, 100%), 1fr)); gap: 18px; margin-bottom: 18px; }
        figure { margin: 0; }
        figcaption { color: #51606f; font-size: 13px; margin-top: 6px; }
        svg { width: 100%; height: auto; display: block; }
        svg text { font-size: 12px; fill: #38444f; }
        .grid { stroke: #e8ebef; } .axis { stroke: #8a8f98; } .diagonal { stroke: #b6bcc4; stroke-dasharray: 5 4; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        td:first-child { min-width: 190px; }
        th, td { text-align: left; padding: 6px 10px; border-bottom: 1px solid #e8ebef; vertical-align: top; }
        th { font-weight: 600; color: #51606f; font-size: 13px; }
        td.n, th.n { text-align: right; white-space: nowrap; }
        tr.model td { font-weight: 600; background: #eef4fb; }
        .note { color: #51606f; font-weight: 400; font-size: 13px; }
        .facts td:first-child { color: #51606f; white-space: nowrap; width: 1%; min-width: 0; }
        .facts td { overflow-wrap: anywhere; }
        """;

    private static readonly Dictionary<string, string> Headings = new()
    {
        ["auc"] = "AUC",
        ["pr_auc"] = "PR AUC",
        ["log_loss"] = "log loss",
        ["brier"] = "Brier",
        ["rmse"] = "RMSE",
        ["mae"] = "MAE",
        ["r2"] = "R²",
    };

    /// <param name="title">What was trained.</param>
    /// <param name="facts">What else belongs to it: the data set, the service, hashes.</param>
    public static string Write(string title, TrainingOptions options, TrainingResult result, IReadOnlyList<(string Name, string Value)> facts)
    {
        var page = new StringBuilder();
        page.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")
            .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">")
            .Append(CultureInfo.InvariantCulture, $"<title>{Chart.Escape(title)}</title>\n<style>\n{Style}\n</style></head>\n<body><main>\n<h1>{Chart.Escape(title)}</h1>\n")
            .Append(CultureInfo.InvariantCulture, $"<p class=\"lead\">Trained on {result.TrainRows:N0} rows of the past, tested on {result.TestRows:N0} rows from {Day(result.TestFrom)} on, none of which it had seen.</p>\n");
        WriteVerdict(page, options, result);
        WriteFigures(page, result);
        page.Append("<div class=\"charts\">\n");
        foreach (var (heading, svg, caption) in ReportCharts.Of(options, result))
        {
            page.Append(CultureInfo.InvariantCulture, $"<figure><h2>{Chart.Escape(heading)}</h2>{svg}<figcaption>{Chart.Escape(caption)}</figcaption></figure>\n");
        }

        page.Append("</div>\n");
        WriteFacts(page, options, result, facts);
        return page.Append("</main></body></html>\n").ToString();
    }

    internal static string Day(long micros) => DateTime.UnixEpoch.AddTicks(micros * TimeSpan.TicksPerMicrosecond).ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>Says who wins by which figure, for the model and against it.</summary>
    private static void WriteVerdict(StringBuilder page, TrainingOptions options, TrainingResult result)
    {
        var model = result.Contenders[0];
        page.Append("<section class=\"verdict\"><h2>Is it any good?</h2>\n");
        foreach (var (name, value) in model.Figures.Where(f => f.Name is not ("brier" or "r2")))
        {
            var isHigherBetter = name is "auc" or "pr_auc" or "r2";
            var rivals = result.Contenders.Skip(1).Select(c => (c.Name, Value: c.Figures.First(f => f.Name == name).Value)).Where(c => c.Value is not null).ToArray();
            if (value is not { } own || rivals.Length == 0)
            {
                continue;
            }

            var best = isHigherBetter ? rivals.MaxBy(r => r.Value) : rivals.MinBy(r => r.Value);
            var wins = isHigherBetter ? own > best.Value : own < best.Value;
            page.Append(
                CultureInfo.InvariantCulture,
                $"<p><b>{Headings[name]} {Text(own)}</b>: {(wins ? "better than every plain answer; the best of them" : "<b>beaten by a plain answer</b>")}, {Chart.Escape(best.Name)}, has {Text(best.Value!.Value)}.</p>\n");
        }

        if (options.LabelWindow == TimeSpan.Zero)
        {
            page.Append("<p class=\"note\">No label window was given: if labels are known only some time after their row, figures are kinder than life. Give it with --label-window.</p>\n");
        }

        page.Append("</section>\n");
    }

    private static void WriteFigures(StringBuilder page, TrainingResult result)
    {
        page.Append("<section><h2>Against plain answers</h2><div class=\"scroll\"><table><thead><tr><th>on the test rows</th>");
        foreach (var (name, _) in result.Contenders[0].Figures)
        {
            page.Append(CultureInfo.InvariantCulture, $"<th class=\"n\">{Headings[name]}</th>");
        }

        page.Append("</tr></thead><tbody>\n");
        foreach (var contender in result.Contenders)
        {
            page.Append(contender == result.Contenders[0] ? "<tr class=\"model\">" : "<tr>")
                .Append(CultureInfo.InvariantCulture, $"<td>{Chart.Escape(contender.Name)}<br><span class=\"note\">{Chart.Escape(contender.Note)}</span></td>");
            foreach (var (_, value) in contender.Figures)
            {
                page.Append(CultureInfo.InvariantCulture, $"<td class=\"n\">{(value is { } number ? Text(number) : "–")}</td>");
            }

            page.Append("</tr>\n");
        }

        page.Append("</tbody></table></div></section>\n");
    }

    private static void WriteFacts(StringBuilder page, TrainingOptions options, TrainingResult result, IReadOnlyList<(string Name, string Value)> facts)
    {
        page.Append("<section class=\"facts\"><h2>How it was made</h2><table><tbody>\n");
        (string, string)[] own =
        [
            ("label", $"{options.Label}{(options.LabelWindow > TimeSpan.Zero ? string.Create(CultureInfo.InvariantCulture, $", known {options.LabelWindow.TotalDays:0.##} days after its row") : string.Empty)}"),
            ("features", string.Join(", ", options.Features.Select(f => f.Name))),
            ("split", string.Create(CultureInfo.InvariantCulture, $"by {options.Time}, not shuffled: test from {Day(result.TestFrom)}; {result.Dropped:N0} rows between left out, {result.WithoutLabel:N0} without a label")),
            ("parameters", string.Join(", ", result.Parameters.Select(p => $"{p.Name} {p.Value}").Append(string.Create(CultureInfo.InvariantCulture, $"rounds {options.Rounds}")))),
        ];
        foreach (var (name, value) in own.Concat(facts.Select(f => (f.Name, f.Value))))
        {
            page.Append(CultureInfo.InvariantCulture, $"<tr><td>{Chart.Escape(name)}</td><td>{Chart.Escape(value)}</td></tr>\n");
        }

        page.Append("</tbody></table></section>\n");
    }

    private static string Text(double value) => Math.Abs(value) >= 100 ? value.ToString("N0", CultureInfo.InvariantCulture) : value.ToString("0.0000", CultureInfo.InvariantCulture);
}
