using System.CommandLine;
using System.Reflection;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore init DIR</c>: a fresh feature repo, the bank's, on the embedded defaults.</summary>
internal static class InitVerb
{
    // The repo's own files are built into the command under this prefix, so that they have one home.
    private const string Prefix = "init/";

    public static Command Create()
    {
        var folder = new Argument<string>("directory") { Description = "Where to make the repo; made if it is missing." };
        var command = new Command("init", "Make a feature repo with the bank's definitions. Example: fstore init my_repo") { folder };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var target = Path.GetFullPath(parsed.GetValue(folder)!);
            var files = await WriteAsync(target, cancellationToken);
            foreach (var file in files)
            {
                Answer.Object(parsed.GetValue(GlobalOptions.Json), $"made {Path.Combine(target, file)}", new { file = Path.Combine(target, file) });
            }

            if (!parsed.GetValue(GlobalOptions.Json))
            {
                await Console.Out.WriteLineAsync($"Next: fstore -c {parsed.GetValue(folder)} apply");
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>Writes every file, or none when one of them is there already.</summary>
    private static async Task<IReadOnlyList<string>> WriteAsync(string target, CancellationToken cancellationToken)
    {
        var assembly = Assembly.GetExecutingAssembly();
        string[] files = [.. assembly.GetManifestResourceNames().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)).Select(n => n[Prefix.Length..]).Order(StringComparer.Ordinal)];
        var there = files.Where(f => File.Exists(Path.Combine(target, f))).ToArray();
        if (there.Length > 0)
        {
            throw new UsageException($"{target} already holds {string.Join(", ", there)}; name another folder, or remove them.");
        }

        foreach (var file in files)
        {
            var path = Path.Combine(target, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await using var content = assembly.GetManifestResourceStream(Prefix + file)!;
            await using var output = new FileStream(path, FileMode.CreateNew);
            await content.CopyToAsync(output, cancellationToken);
        }

        return files;
    }
}
