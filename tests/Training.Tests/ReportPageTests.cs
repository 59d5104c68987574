using System.Xml.Linq;
using FeatureStore.Training.Report;

namespace FeatureStore.Training.Tests;

public sealed class ReportPageTests
{
    [SkippableTheory]
    [InlineData(TrainingTask.Binary, "label_large_outflow", new[] { "ROC", "Precision and recall", "Calibration", "Feature importance", "Over the test's time" })]
    [InlineData(TrainingTask.Regression, "label_next_total", new[] { "Calibration", "Residuals", "Feature importance", "Over the test's time" })]
    public void Write_OfATraining_ShowsItsPlotsAndLoadsNothing(TrainingTask task, string label, string[] headings)
    {
        BankData.NeedXgboost();
        var options = BankData.Options(task, label) with { Rounds = 10 };
        var page = ReportPage.Write("<b>outflow</b> & more", options, TrainingRun.Run(BankData.Open(), options, CancellationToken.None), [("data set", "<script>alert(1)</script>")]);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>outflow</b>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("src=", page, StringComparison.Ordinal);
        Assert.DoesNotContain("url(", page, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
        Assert.DoesNotContain(">-0<", page, StringComparison.Ordinal);
        Assert.All(headings, h => Assert.Contains($"<h2>{System.Net.WebUtility.HtmlEncode(h)}</h2>", page, StringComparison.Ordinal));
        Assert.Contains("beaten by a plain answer", page, StringComparison.Ordinal);
        Assert.Contains("total_amount_l1w", page, StringComparison.Ordinal);

        // Every chart is well-formed, with all that it draws inside of its box.
        var charts = page.Split("<svg ").Skip(1).Select(s => XElement.Parse("<svg " + s[..(s.IndexOf("</svg>", StringComparison.Ordinal) + "</svg>".Length)])).ToArray();
        Assert.Equal(headings.Length, charts.Length);
        Assert.All(charts, c => Assert.NotEmpty(c.Elements()));
    }
}
