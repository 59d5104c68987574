using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;

namespace FeatureStore.Training.XGBoost;

/// <summary>Training cannot run here: the native library is missing or another version; the message says how to bring it.</summary>
public sealed class TrainerMissingException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>A training that failed inside XGBoost, or a data set that cannot be trained on.</summary>
public sealed class TrainingException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>
/// Finds XGBoost's native library: in <c>native/RID/</c> beside the program or in a folder above it, where <c>native/fetch.sh</c> puts it, else wherever the system has it.
/// Another version than the pinned one is refused: its models would have other bytes.
/// </summary>
public static class XgbLibrary
{
    private const string FileName = "libxgboost.so.0";
    private const string WayOut = "Run native/fetch.sh, which brings XGBoost 1.7.4 from Debian's archive without root. Models that were trained elsewhere can be added all the same: fstore models add.";

    // libxgboost links to these by name; loaded before it, they are found without a search path.
    private static readonly string[] Before = ["libgomp.so.1", "libdmlc.so.0"];

    private static readonly Version Pinned = new(1, 7, 4);
    private static readonly Lock Gate = new();
    private static nint _handle;

    /// <summary>Loads the library once.</summary>
    /// <exception cref="TrainerMissingException">It is not here, or another version.</exception>
    public static void Ensure()
    {
        lock (Gate)
        {
            if (_handle != 0)
            {
                return;
            }

            var handle = Load();
            NativeLibrary.SetDllImportResolver(typeof(NativeXgb).Assembly, (name, _, _) => name == NativeXgb.Library ? handle : 0);
            _handle = handle;
            NativeXgb.Version(out var major, out var minor, out var patch);
            if (new Version(major, minor, patch) != Pinned)
            {
                throw new TrainerMissingException($"The XGBoost that was found is {new Version(major, minor, patch)}, and {Pinned} is pinned. {WayOut}");
            }
        }
    }

    /// <summary>Whether training can run here.</summary>
    public static bool IsThere(out string reason)
    {
        try
        {
            Ensure();
            reason = string.Empty;
            return true;
        }
        catch (TrainerMissingException e)
        {
            reason = e.Message;
            return false;
        }
    }

    internal static void Check(int result, string what)
    {
        if (result != 0)
        {
            // The text holds a stack trace after its first line.
            var text = Marshal.PtrToStringUTF8(NativeXgb.LastError()) ?? string.Empty;
            throw new TrainingException($"XGBoost cannot {what}: {text.Split('\n').FirstOrDefault(l => l.Trim().Length > 0)?.Trim()}");
        }
    }

    internal static string Number(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    private static nint Load()
    {
        var folder = Folders().FirstOrDefault(f => File.Exists(Path.Combine(f, FileName)));
        try
        {
            if (folder is null)
            {
                return NativeLibrary.Load(FileName, Assembly.GetExecutingAssembly(), null);
            }

            foreach (var library in Before.Select(l => Path.Combine(folder, l)).Where(File.Exists))
            {
                NativeLibrary.Load(library);
            }

            return NativeLibrary.Load(Path.Combine(folder, FileName));
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new TrainerMissingException($"XGBoost's native library is not here{(folder is null ? string.Empty : $", or '{folder}' does not hold it whole")}. {WayOut}", e);
        }
    }

    private static IEnumerable<string> Folders()
    {
        var rid = $"{(OperatingSystem.IsLinux() ? "linux" : OperatingSystem.IsMacOS() ? "osx" : "win")}-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            yield return Path.Combine(folder.FullName, "native", rid);
        }
    }
}
