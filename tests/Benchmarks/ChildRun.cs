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
    public static ChildRun Measure(string verb, string which, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [verb, which, .. arguments]) { RedirectStandardOutput = true };
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
