using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Sql;
using FeatureStore.Registry.Validation;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Files;

/// <summary>Where a registry lies: a file, or Feast's SQL tables. Both are read and written.</summary>
public interface IRegistryStore
{
    /// <summary>The file, or the database without user and password; for messages.</summary>
    string Place { get; }

    /// <summary>The registry as it stands; of a SQL registry, the settings' project and the names of the others.</summary>
    /// <exception cref="RegistryException">It is missing, damaged or out of reach.</exception>
    RegistryProto Load();

    /// <summary>Whether there is a registry at all.</summary>
    bool Exists();

    /// <summary>The latest end of a view's materialized ranges; null if it never was materialized.</summary>
    /// <exception cref="RegistryException">The registry is missing or damaged, or has no such view.</exception>
    DateTimeOffset? LatestEnd(string project, string view);

    /// <summary>Notes that a range of event times, both ends included, is in the online store. Saying it twice is saying it once.</summary>
    /// <exception cref="RegistryException">The registry is missing, damaged or locked, or has no such view.</exception>
    void RecordInterval(string project, string view, DateTimeOffset start, DateTimeOffset end, CancellationToken cancellationToken);

    /// <summary>Takes a project out of the registry; other projects stay. Safe to repeat.</summary>
    /// <exception cref="RegistryException">The registry is damaged or locked.</exception>
    IReadOnlyList<PlannedChange> RemoveProject(string project, CancellationToken cancellationToken);

    /// <summary>Changes the registry so that no other writer comes between the look and the write.</summary>
    /// <param name="change">Answers whether to write; may be called again on a fresh registry.</param>
    /// <param name="mustExist">Whether a missing registry is an error, or made.</param>
    /// <exception cref="RegistryConflictException">Other writers came between each time.</exception>
    /// <exception cref="RegistryException">The registry is missing, damaged, locked or cannot be written.</exception>
    internal (string Revision, bool Written) Update(Func<RegistryProto, bool> change, bool mustExist, CancellationToken cancellationToken);
}

/// <summary>Opens the registry that <c>feature_store.yaml</c> names.</summary>
public static class RegistryStore
{
    /// <exception cref="RegistryException">The URL of a SQL registry cannot be used.</exception>
    public static IRegistryStore Open(RepoConfig config, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (!config.Registry.IsSql)
        {
            return new RegistryFile(config.RegistryPath, time);
        }

        var address = SqlRegistryAddress.Parse(config.Registry.Path, config.RepoDirectory);
        var reads = config.Registry.ReadPath is { } path ? SqlRegistryAddress.Parse(path, config.RepoDirectory) : address;
        return new SqlRegistry(address, reads, config.Project, time, config.Registry.MakesTables);
    }
}
