using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Definitions;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Registry.Files;

/// <summary>Makes the registry say what a repo's definitions say.</summary>
public static class RegistryApplier
{
    /// <summary>
    /// Reads <c>feature_store.yaml</c> and <c>features/*.yaml</c>, checks them, and writes the difference into the registry
    /// file. Other projects, materialized ranges, and what definitions cannot say (on-demand and stream views, push sources) are kept.
    /// </summary>
    /// <exception cref="DefinitionException">The files are wrong; every fault is listed, and nothing is written.</exception>
    /// <exception cref="RegistryException">The registry file is damaged, locked or cannot be written.</exception>
    public static ApplyResult Apply(string repoDirectory, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(repoDirectory);
        ArgumentNullException.ThrowIfNull(time);
        var config = RepoConfig.Load(Path.Combine(repoDirectory, RepoConfig.FileName));
        var definitions = DefinitionLoader.Load(config.RepoDirectory);
        RegistryMerge? merge = null;
        var written = new RegistryFile(config.RegistryPath, time).Update(
            registry =>
            {
                merge = new RegistryMerge(registry, config, RegistryFile.Now(time));
                return merge.Run(definitions);
            },
            mustExist: false,
            cancellationToken);
        return new ApplyResult(merge!.Added, merge.Changed, merge.Removed, written);
    }
}
