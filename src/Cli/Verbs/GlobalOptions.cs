using System.CommandLine;
using FeatureStore.Cli.Composition;

namespace FeatureStore.Cli.Verbs;

/// <summary>Options that every verb takes.</summary>
internal static class GlobalOptions
{
    public static Option<string?> Folder { get; } = new("--chdir", "-c") { Description = "Folder of the feature repo.", Recursive = true };

    public static Option<string?> Yaml { get; } = new("--feature-store-yaml", "-f") { Description = "Path of feature_store.yaml.", Recursive = true };

    public static Option<bool> Json { get; } = new("--json") { Description = "Print data as JSON.", Recursive = true };

    public static Option<bool> Verbose { get; } = new("--verbose") { Description = "Print stack traces of failures.", Recursive = true };

    public static Repo Repo(ParseResult parsed) => Composition.Repo.Open(parsed.GetValue(Yaml), parsed.GetValue(Folder));
}
