using System.Diagnostics;
using System.Globalization;

namespace FeatureStore.Benchmarks;

/// <summary>A measured run in a process of its own, so that memory and processor time are its alone.</summary>
/// <param name="Seconds">Of the work alone.</param>
/// <param name="CpuSeconds">Of the whole process.</param>
/// <param name="PeakMiB">Peak resident memory of the process.</param>
internal sealed record ChildRun(double Seconds, double CpuSeconds, double PeakMiB)
{
    /// <summary>Starts this program again as <c>verb which arguments</c>, and reads the line that <see cref="Report"/> prints there.</summary>
    /// <param name="runtime">Settings of the runtime that a run gets unless this process was given others.</param>
    public static ChildRun Measure(string verb, string which, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? runtime = null)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [verb, which, .. arguments]) { RedirectStandardOutput = true };
        foreach (var (name, value) in runtime ?? new Dictionary<string, string>())
        {
            start.Environment.TryAdd(name, value);
        }

        using var child = Process.Start(start)!;
        var line = child.StandardOutput.ReadToEnd().Trim();
        child.WaitForExit();
        if (child.ExitCode != 0)
        {
            throw new InvalidOperationException($"The {which} run ended with code {child.ExitCode}.");
        }

        Console.WriteLine($"  {which}: {line}");
        var words = line.Split(' ');
        double Word(int index) => double.Parse(words[index], CultureInfo.InvariantCulture);
        return new ChildRun(Word(0), Word(2), Word(7));
    }

    /// <summary>Prints what the process took, at its end.</summary>
    public static void Report(TimeSpan work)
    {
        using var process = Process.GetCurrentProcess();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{work.TotalSeconds:F2} s, {process.TotalProcessorTime.TotalSeconds:F2} s CPU, peak RSS {process.PeakWorkingSet64 >> 20} MiB"));
    }
}
