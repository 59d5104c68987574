using System.Security.Cryptography;
using FeatureStore.Jobs.Schedule;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.OnlineStore;
using FeatureStore.OnlineStore.Redis;
using FeatureStore.OnlineStore.Sqlite;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Files;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Hosting;
using FeatureStore.Serving.Writing;
using Google.Protobuf;

namespace FeatureStore.Cli.Composition;

/// <summary>A feature repo as the verbs see it: its settings, and the stores that they name.</summary>
internal sealed class Repo
{
    private const string Variable = "FEAST_FS_YAML_FILE_PATH";
    private const string Fallback = "feature_repo";

    // A look at a file costs microseconds, and a view that is gone takes pushes until the server looks.
    private static readonly TimeSpan FilePeriod = TimeSpan.FromSeconds(1);

    private readonly Lazy<LakePlace> _lake;

    private Repo(RepoConfig config)
    {
        Config = config;
        _lake = new Lazy<LakePlace>(() => LakeSettings.Open(config));
    }

    public RepoConfig Config { get; }

    /// <summary>Where the tables lie; an S3 server's connections and cache live as long as the process.</summary>
    /// <exception cref="DeltaException">The settings of the lake are wrong. Nothing is connected yet.</exception>
    public LakePlace Lake => _lake.Value;

    /// <summary>Finds the repo: <c>-f</c>, <c>-c</c>, Feast's environment variables (a path, or the whole file in base64), this folder, or <c>feature_repo</c> below it.</summary>
    public static Repo Open(string? yamlPath, string? folder)
    {
        var named = yamlPath
            ?? (folder is not null ? Path.Combine(folder, RepoConfig.FileName) : null)
            ?? Environment.GetEnvironmentVariable(Variable);
        if (named is null && Environment.GetEnvironmentVariable(RepoConfig.Base64Variable) is { Length: > 0 } base64)
        {
            return new Repo(RepoConfig.LoadBase64(base64, Environment.CurrentDirectory));
        }

        var path = named
            ?? (!File.Exists(RepoConfig.FileName) && File.Exists(Path.Combine(Fallback, RepoConfig.FileName))
                ? Path.Combine(Fallback, RepoConfig.FileName)
                : RepoConfig.FileName);
        return new Repo(RepoConfig.Load(path));
    }

    public IRegistryStore Registry() => RegistryStore.Open(Config, TimeProvider.System);

    public RegistrySnapshot Snapshot() => SnapshotCompiler.Compile(Registry().Load(), Config);

    /// <summary>The snapshot with every version of a view that the registry keeps, whether or not versions are read online.</summary>
    public RegistrySnapshot SnapshotOfAllVersions() => SnapshotCompiler.Compile(
        Registry().Load(), Config with { Registry = Config.Registry with { EnableOnlineFeatureViewVersioning = true } });

    /// <summary>
    /// How a running server notices that the registry was written: a file by its time and size, which Feast's sync mode looks at
    /// whatever the ttl is; a database by what it holds.
    /// </summary>
    public SnapshotSource SnapshotSource()
    {
        var period = TimeSpan.FromSeconds(Config.Registry.CacheTtlSeconds);
        return Config.Registry.IsSql
            ? new SnapshotSource(() => Convert.ToHexString(SHA256.HashData(Registry().Load().ToByteArray())), Snapshot, period)
            : Serving.Hosting.SnapshotSource.OfFile(Config.RegistryPath, Snapshot, Config.Registry.CacheMode == "sync" ? FilePeriod : period);
    }

    /// <exception cref="UsageException">The settings switch the store off.</exception>
    /// <exception cref="OnlineStoreException">The settings of the store are wrong. Nothing is connected yet.</exception>
    public IOnlineStore OnlineStore() => Config.OnlineStore switch
    {
        SqliteOnlineStoreConfig sqlite => new SqliteOnlineStore(sqlite.Path),
        RedisOnlineStoreConfig redis => new RedisOnlineStore(
            new RedisOnlineStoreOptions(
                redis.ConnectionString,
                RedisOnlineStoreOptions.ParseType(redis.RedisType),
                redis.SentinelMaster,
                redis.KeyTtlSeconds,
                redis.SkipDedup),
            TimeProvider.System),
        _ => throw new UsageException("The online store is switched off in feature_store.yaml; set 'online_store: {type: sqlite}' or redis."),
    };

    /// <summary>The store as a materialization writes it: on Redis, as in Feast, with the vectors of services that are stored ready-made.</summary>
    public IOnlineStore PrecomputingStore()
    {
        var store = OnlineStore();
        if (Config.OnlineStore is not RedisOnlineStoreConfig)
        {
            return store;
        }

        var snapshot = Snapshot();
        return snapshot.FeatureServices.Values.Any(s => s.PrecomputeOnline) ? new VectorStore(store, () => snapshot, TimeProvider.System) : store;
    }

    public OnlineTable Table(FeatureViewModel view) => new(Config.Project, view.OnlineName, [.. view.Features.Select(f => f.Name)]);

    public FeatureReader FeatureReader() => new(Lake, Config.EntityKeyVersion, LakeOptions.Read(Config));

    /// <summary>Removes what a run leaves behind: lake, change log, online store, registry. Only paths that the settings name.</summary>
    public void RemoveData()
    {
        Lake.RemoveAll();

        RunLog.Remove(Config.RunsPath);
        var online = (Config.OnlineStore as SqliteOnlineStoreConfig)?.Path;
        foreach (var file in new[] { Config.LogPath, Config.RunsPath, online, Config.RegistryPath }.OfType<string>().Where(f => Directory.Exists(Path.GetDirectoryName(f))))
        {
            foreach (var suffix in new[] { string.Empty, "-wal", "-shm" })
            {
                File.Delete(file + suffix);
            }
        }
    }
}

/// <summary>The command cannot mean anything as it was given; exit code 2.</summary>
internal sealed class UsageException(string message) : Exception(message);
