using System.Diagnostics;
using System.Globalization;

namespace FeatureStore.Cli.Output;

/// <summary>Runs a step and prints one line of it: what was done, and the seconds. Meanwhile a terminal shows a moving count.</summary>
internal sealed class StepReport(TextWriter output, bool isTerminal)
{
    private static readonly TimeSpan ShowAfter = TimeSpan.FromSeconds(1);
    private int _number;

    /// <summary>Runs one step.</summary>
    /// <param name="work">Given where to report counts; answers the step's result and the line that tells it.</param>
    public async Task<T> RunAsync<T>(string name, Func<IProgress<long>, Task<(T Result, string Line)>> work)
    {
        var clock = Stopwatch.StartNew();
        var progress = new Counter(count => ShowCount(name, count, clock.Elapsed));
        var (result, line) = await work(progress);
        if (isTerminal)
        {
            await output.WriteAsync("\r\u001b[K");
        }

        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{++_number}. {name,-12} {line}  ({clock.Elapsed.TotalSeconds:0.0} s)"));
        return result;
    }

    private void ShowCount(string name, long count, TimeSpan elapsed)
    {
        if (isTerminal && elapsed >= ShowAfter)
        {
            output.Write(string.Create(CultureInfo.InvariantCulture, $"\r\u001b[K   {name,-12} {count:N0} rows, {count / elapsed.TotalSeconds:N0} a second"));
        }
    }

    private sealed class Counter(Action<long> report) : IProgress<long>
    {
        public void Report(long value) => report(value);
    }
}
