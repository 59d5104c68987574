using System.Globalization;
using System.Text;

namespace FeatureStore.Jobs.Schedule;

/// <summary>The log of one run of a flow: a file of its own beside the history, of a bounded size. Safe for several threads.</summary>
public sealed class RunLog(string runsPath, long run, TimeProvider time, long bytesMax = RunLog.BytesMaxDefault)
{
    /// <summary>A log takes no more lines from here on.</summary>
    public const long BytesMaxDefault = 1 << 20;

    private const int FilesMax = 1_000;
    private const int LineMax = 4_000;
    private const string Full = "The log is full; what follows is in the history only.\n";
    private readonly Lock _turn = new();

    /// <summary>Where the log of a run lies.</summary>
    public static string PathOf(string runsPath, long run) =>
        Path.Combine(Folder(runsPath), string.Create(CultureInfo.InvariantCulture, $"{run}.log"));

    /// <summary>Deletes the logs of all but the newest runs.</summary>
    public static void Prune(string runsPath)
    {
        var folder = new DirectoryInfo(Folder(runsPath));
        foreach (var old in folder.Exists ? folder.EnumerateFiles("*.log").OrderByDescending(f => f.LastWriteTimeUtc).Skip(FilesMax) : [])
        {
            old.Delete();
        }
    }

    /// <summary>Deletes all logs, for instance since the history that numbered them is gone.</summary>
    public static void Remove(string runsPath)
    {
        if (Directory.Exists(Folder(runsPath)))
        {
            Directory.Delete(Folder(runsPath), recursive: true);
        }
    }

    /// <summary>Adds a line with its time.</summary>
    public void Write(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        var text = line.ReplaceLineEndings(" ");
        text = string.Create(CultureInfo.InvariantCulture, $"{time.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {(text.Length > LineMax ? text[..LineMax] : text)}\n");
        lock (_turn)
        {
            try
            {
                var path = PathOf(runsPath, run);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
                if (file.Position + Full.Length < bytesMax)
                {
                    var bytes = Encoding.UTF8.GetBytes(text);
                    file.Write(file.Position + bytes.Length + Full.Length < bytesMax ? bytes : Padded(bytesMax - file.Position));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A log that cannot be written stops no work; the history tells what was done.
            }
        }
    }

    // Fills the file up, so that a shorter line does not follow.
    private static byte[] Padded(long length) => Encoding.UTF8.GetBytes(Full.PadLeft((int)length));

    private static string Folder(string runsPath) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(runsPath))!, "run-logs");
}
