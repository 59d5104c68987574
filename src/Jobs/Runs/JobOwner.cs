using System.Diagnostics;
using System.Globalization;

namespace FeatureStore.Jobs.Runs;

/// <summary>Who holds a lease: <c>machine:process:random</c>.</summary>
internal static class JobOwner
{
    public static string New() => string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}:{Environment.ProcessId}:{Guid.NewGuid():N}");

    /// <summary>True if the holder was a process of this machine that runs no more, so that nobody need wait for the end of its lease. A fence guards what it may have sent.</summary>
    public static bool IsGone(string owner)
    {
        if (owner.Split(':') is not [var machine, var text, _] || machine != Environment.MachineName
            || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
        {
            return false;
        }

        try
        {
            using var process = Process.GetProcessById(id);
            return process.HasExited;
        }
        catch (ArgumentException)
        {
            return true;
        }
        catch (InvalidOperationException)
        {
            return true;
        }
    }
}
