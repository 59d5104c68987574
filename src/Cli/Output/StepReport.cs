using System.Globalization;

namespace FeatureStore.Cli.Output;

/// <summary>
/// Runs a step and prints one line of it: what was done, and the seconds. A step that takes longer shows how far it is: on a terminal as a bar that is
/// overwritten, elsewhere as a line now and then.
/// </summary>
internal sealed class StepReport(TextWriter output, bool isTerminal, TimeProvider time)
{
    private const int BarCells = 30;
    private const string ClearLine = "\r\u001b[K";
    private static readonly TimeSpan ShowAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(5);
    private int _number;

    /// <summary>Runs one step.</summary>
    /// <param name="work">Given where to report how far it is; answers the step's result and the line that tells it.</param>
    public async Task<T> RunAsync<T>(string name, Func<IProgress<Amount>, Task<(T Result, string Line)>> work)
    {
        var started = time.GetTimestamp();
        var (result, line) = await work(new Shown(this, name, started));
        if (isTerminal)
        {
            await output.WriteAsync(ClearLine);
        }

        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{++_number,2}. {name,-12} {line}  ({time.GetElapsedTime(started).TotalSeconds:0.0} s)"));
        return result;
    }

    /// <summary>Runs work and shows on standard error how far it is, if it takes longer; what it did is the caller's to print.</summary>
    public static async Task<T> ShowAsync<T>(string name, Func<IProgress<Amount>, Task<T>> work)
    {
        var report = new StepReport(Console.Error, !Console.IsErrorRedirected, TimeProvider.System);
        var shown = new Shown(report, name, TimeProvider.System.GetTimestamp());
        try
        {
            return await work(shown);
        }
        finally
        {
            if (shown.HasBar)
            {
                await Console.Error.WriteAsync(ClearLine);
            }
        }
    }

    /// <summary>The amount in words, with a bar where the total is known.</summary>
    internal static string Text(Amount amount, TimeSpan elapsed)
    {
        var culture = CultureInfo.InvariantCulture;
        var rate = string.Create(culture, $"{amount.Done / Math.Max(elapsed.TotalSeconds, 0.001):N0} a second");
        if (amount.Total is not { } total || total <= 0)
        {
            return string.Create(culture, $"{amount.Done:N0} {amount.Unit}, {rate}");
        }

        var share = Math.Clamp((double)amount.Done / total, 0, 1);
        var cells = (int)(share * BarCells);
        return string.Create(culture, $"[{new string('#', cells)}{new string('.', BarCells - cells)}] {share * 100:0} %, {amount.Done:N0} of {total:N0} {amount.Unit}, {rate}{Left(share, elapsed)}");
    }

    private static string Left(double share, TimeSpan elapsed) =>
        share is > 0 and < 1 ? string.Create(CultureInfo.InvariantCulture, $", {elapsed.TotalSeconds * (1 - share) / share:0} s left") : string.Empty;

    private sealed class Shown(StepReport report, string name, long started) : IProgress<Amount>
    {
        private TimeSpan _lineAfter = LineEvery;

        public bool HasBar { get; private set; }

        public void Report(Amount value)
        {
            var elapsed = report.TimeSince(started);
            if (report.IsTerminal && elapsed >= ShowAfter)
            {
                HasBar = true;
                report.Write($"{ClearLine}    {name,-12} {Text(value, elapsed)}");
            }
            else if (!report.IsTerminal && elapsed >= _lineAfter)
            {
                _lineAfter = elapsed + LineEvery;
                report.Write($"    {name,-12} {Text(value, elapsed)}{Environment.NewLine}");
            }
        }
    }

    private bool IsTerminal => isTerminal;

    private TimeSpan TimeSince(long started) => time.GetElapsedTime(started);

    private void Write(string text) => output.Write(text);
}
