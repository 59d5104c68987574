using FeatureStore.Registry.Snapshot;
using FeatureStore.Scoring.Online;
using FeatureStore.Scoring.Store;
using FeatureStore.Serving;

namespace FeatureStore.Cli.Composition;

/// <summary>What the <c>fstore:</c> block says of models, and the objects that score by it.</summary>
internal static class ScoringSettings
{
    private const string ModelsKey = "models";
    private const string DefaultModels = "data/models";

    /// <summary>The folder that <c>fstore.models</c> names, against the repo.</summary>
    public static ModelStore Models(Repo repo) =>
        new(Path.Combine(repo.Config.RepoDirectory, repo.Config.Fstore.GetValueOrDefault(ModelsKey) as string ?? DefaultModels), TimeProvider.System);

    /// <summary>The live models under the snapshot that the runtime serves.</summary>
    /// <param name="only">One of them; null for all.</param>
    public static LiveModels Live(Repo repo, ServingRuntime runtime, string? only = null)
    {
        RegistrySnapshot Served() => runtime.Plans.Snapshot;
        return new LiveModels(Models(repo), Served, only);
    }
}
