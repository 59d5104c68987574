namespace FeatureStore.Architecture.Tests;

/// <summary>Keeps files short enough to be read in one go; a longer one stands below with its reason.</summary>
public sealed class FileLengthTests
{
    private const int FileLinesMax = 250;
    private const int FileLinesHardMax = 500;

    private static readonly Dictionary<string, string> LongFiles = new();

    [Fact]
    public void SourceFiles_LongerThanTheRule_HaveAReason()
    {
        var faults = new List<string>();
        foreach (var file in Repository.SourceFiles())
        {
            var name = Repository.Relative(file);
            var lines = File.ReadLines(file).Count();
            var max = LongFiles.ContainsKey(name) ? FileLinesHardMax : FileLinesMax;
            if (lines > max)
            {
                faults.Add($"{name}: {lines} lines, at most {max}");
            }
        }

        Assert.True(faults.Count == 0, string.Join(Environment.NewLine, faults));
    }

    [Fact]
    public void Exceptions_FromTheRule_NameLivingFiles()
    {
        foreach (var (name, reason) in LongFiles)
        {
            Assert.True(File.Exists(Path.Combine(Repository.Root, name)), $"{name} is excepted and does not exist.");
            Assert.NotEmpty(reason);
        }
    }

    [Fact]
    public void SourceFiles_AsAWhole_HaveNoLeftovers()
    {
        string[] leftovers = ["TO" + "DO", "FIX" + "ME", "NotImplemented" + "Exception", "Thread." + "Sleep"];
        var faults = Repository.SourceFiles()
            .SelectMany(f => File.ReadLines(f).Select((line, i) => (f, line, i)))
            .Where(l => leftovers.Any(w => l.line.Contains(w, StringComparison.Ordinal)))
            .Select(l => $"{Repository.Relative(l.f)}:{l.i + 1}: {l.line.Trim()}")
            .ToArray();
        Assert.True(faults.Length == 0, string.Join(Environment.NewLine, faults));
    }
}
