using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Definitions;
using FeatureStore.Registry.Validation;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Files;

/// <summary>Makes the registry say what a repo's definitions say, or tells what that would change.</summary>
public static class RegistryApplier
{
    /// <summary>The difference that <see cref="Apply(RepoConfig, string, TimeProvider, CancellationToken)"/> would write. Nothing is written, not even a lock.</summary>
    /// <exception cref="DefinitionException">The files are wrong; every fault is listed.</exception>
    /// <exception cref="RegistryException">The registry is damaged or out of reach.</exception>
    public static ApplyResult Plan(RepoConfig config, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(time);
        var definitions = DefinitionLoader.Load(config.RepoDirectory);
        var store = RegistryStore.Open(config, time);
        var registry = store.Exists() ? store.Load() : new RegistryProto();
        var merge = new RegistryMerge(registry, config, RegistryFile.Now(time));
        merge.Run(definitions);
        return new ApplyResult(merge.Changes, registry.VersionId, Written: false);
    }

    /// <summary>
    /// Reads <c>features/*.yaml</c>, checks them, and writes the difference into the registry. Other projects,
    /// materialized ranges, and what definitions cannot say are kept.
    /// </summary>
    /// <param name="ifRevision">Apply only if the registry is at this revision, as a plan told it; null for any.</param>
    /// <exception cref="DefinitionException">The files are wrong; every fault is listed, and nothing is written.</exception>
    /// <exception cref="RegistryConflictException">The registry is at another revision, or another writer came between; nothing is written.</exception>
    /// <exception cref="RegistryException">The registry is damaged, locked or cannot be written.</exception>
    public static ApplyResult Apply(RepoConfig config, string? ifRevision, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(time);
        var store = RegistryStore.Open(config, time);
        var definitions = DefinitionLoader.Load(config.RepoDirectory);
        RegistryMerge? merge = null;
        var (revision, written) = store.Update(
            registry =>
            {
                if (ifRevision is not null && registry.VersionId != ifRevision)
                {
                    throw new RegistryConflictException(
                        $"The registry {store.Place} is at revision '{registry.VersionId}', not '{ifRevision}'; run 'fstore plan' again.");
                }

                merge = new RegistryMerge(registry, config, RegistryFile.Now(time));
                return merge.Run(definitions);
            },
            mustExist: false,
            cancellationToken);
        return new ApplyResult(merge!.Changes, revision, written);
    }
}
