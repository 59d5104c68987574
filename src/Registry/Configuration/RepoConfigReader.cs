using System.Text.RegularExpressions;
using FeatureStore.Registry.Validation;
using FeatureStore.Registry.Yaml;
using YamlDotNet.RepresentationModel;

namespace FeatureStore.Registry.Configuration;

/// <summary>Reads the text of <c>feature_store.yaml</c>; variables are already put in.</summary>
internal sealed partial class RepoConfigReader
{
    // Options of Feast's stores that change nothing here; they are read past so that Feast's own files are taken as they are.
    private static readonly string[] SqliteIgnored = ["text_search_enabled", "enable_openai_compatible_store"];

    private static readonly string[] AuthTypes = ["no_auth", "kubernetes", "oidc"];

    private static readonly string[] RedisTypes = ["redis", "redis_cluster", "redis_sentinel"];

    private readonly YamlBlock _root;
    private readonly string _repo;
    private readonly FaultList _faults;

    private RepoConfigReader(YamlBlock root, string repo, FaultList faults) => (_root, _repo, _faults) = (root, repo, faults);

    public static RepoConfig Read(string text, string file, string repo, IReadOnlyDictionary<string, string> environment)
    {
        var faults = new FaultList();
        var expanded = EnvironmentText.Expand(text, environment.GetValueOrDefault);
        var root = YamlText.Parse(expanded, file, faults, mapping => FstoreEnvironment.Overlay(mapping, environment, faults));
        var config = root is null ? null : Read(root, repo, faults);
        faults.ThrowIfAny();
        return config!;
    }

    internal static RepoConfig Read(YamlBlock root, string repo, FaultList faults) => new RepoConfigReader(root, repo, faults).Read();

    private RepoConfig Read()
    {
        var project = _root.RequiredText("project", "bank_features");
        var provider = _root.Text("provider") ?? "local";
        var registry = RegistryConfigReader.Read(_root, Local);
        var online = OnlineStore();
        CheckProject(project, online);
        var version = _root.Number("entity_key_serialization_version", 2, 3) ?? 3;
        var offline = OfflineStore();
        var fstore = _root.Block("fstore");
        var (materialization, tzAware, description) = (Materialization(), _root.Flag("coerce_tz_aware", true), _root.Text("project_description"));
        var auth = Auth();
        return new RepoConfig(
            _repo,
            project,
            provider,
            registry.IsSql ? string.Empty : registry.Path,
            online,
            offline,
            version,
            FstorePath(fstore, "lake", "data/lake", remoteAllowed: true),
            FstorePath(fstore, "log", "data/log.db", remoteAllowed: false),
            FstorePath(fstore, "runs", "data/runs.db", remoteAllowed: false),
            Plain(fstore, fstore?.Keys ?? []),
            Plain(_root, [.. _root.Unread]))
        {
            Registry = registry,
            Materialization = materialization,
            CoerceTzAware = tzAware,
            ProjectDescription = description,
            Auth = auth,
        };
    }

    private MaterializationConfig Materialization() => _root.Block("materialization") is { } block
        ? new MaterializationConfig(block.Flag("pull_latest_features", false), block.Number("online_write_batch_size", 1, int.MaxValue))
        : new MaterializationConfig();

    private string Auth()
    {
        const string Key = "auth";
        var auth = (_root.Node(Key) is YamlMappingNode ? _root.Block(Key)!.Text("type") : _root.Text(Key)) ?? AuthTypes[0];
        if (!AuthTypes.Contains(auth))
        {
            _root.Fault(Key, $"'{auth}' is no type of auth; write one of {string.Join(", ", AuthTypes)}.");
        }

        return auth;
    }

    private void CheckProject(string project, OnlineStoreConfig? online)
    {
        if (project.Length > 0 && !ProjectName().IsMatch(project))
        {
            _root.Fault("project", $"The project '{project}' may hold letters, digits, '_' and '-', and begins with a letter or a digit; rename it.");
        }
        else if (project.Contains('-', StringComparison.Ordinal) && online is SqliteOnlineStoreConfig)
        {
            _root.Fault("project", $"The project '{project}' has a '-', which the SQLite online store cannot hold; write '_'.");
        }
    }

    private OnlineStoreConfig? OnlineStore()
    {
        const string Key = "online_store";
        if (!_root.Has(Key))
        {
            return new SqliteOnlineStoreConfig(Path.Combine(_repo, "data", "online.db"));
        }

        var node = _root.Node(Key);
        if (node is null or YamlScalarNode { Value: "none" })
        {
            return null;
        }

        var block = node is YamlMappingNode ? _root.Block(Key)! : new YamlBlock(new YamlMappingNode("type", _root.Text(Key) ?? string.Empty), _root.File, $"'{Key}'", _faults);
        var type = block.Text("type") ?? "sqlite";
        OnlineStoreConfig config;
        switch (type)
        {
            case "sqlite":
                config = new SqliteOnlineStoreConfig(Local(block, "path", block.Text("path") ?? "data/online.db"));
                ReadPast(block, [.. SqliteIgnored, .. block.Keys.Where(k => k.StartsWith("vector_", StringComparison.Ordinal))]);
                break;
            case "redis":
                config = Redis(block);
                break;
            default:
                _root.Fault(Key, $"The online store type '{type}' is not supported; use 'type: sqlite' or 'type: redis'.");
                return null;
        }

        block.RejectUnread();
        return config;
    }

    private static RedisOnlineStoreConfig Redis(YamlBlock block)
    {
        var type = block.Text("redis_type") ?? RedisTypes[0];
        if (!RedisTypes.Contains(type))
        {
            block.Fault("redis_type", $"'{type}' is no redis_type; write one of {string.Join(", ", RedisTypes)}.");
        }

        // Which Python client Feast reads through is nothing to us, but what it would refuse is wrong here too.
        var client = block.Text("client") ?? "redis";
        if (client is not ("redis" or "glide"))
        {
            block.Fault("client", $"'{client}' is no client; write one of redis, glide.");
        }
        else if (client == "glide" && type == "redis_sentinel")
        {
            block.Fault("client", "The client 'glide' knows no sentinel; write 'client: redis'.");
        }

        return new RedisOnlineStoreConfig(
            block.Text("connection_string") ?? "localhost:6379",
            type,
            block.Text("sentinel_master") ?? "mymaster",
            block.Number("key_ttl_seconds", 1, int.MaxValue),
            block.Flag("full_scan_for_deletion", true),
            block.Flag("skip_dedup", false));
    }

    private OfflineStoreConfig OfflineStore()
    {
        const string Key = "offline_store";
        if (_root.Node(Key) is not YamlMappingNode)
        {
            return new OfflineStoreConfig(_root.Text(Key) ?? "dask", new Dictionary<string, object?>());
        }

        var block = _root.Block(Key)!;
        return new OfflineStoreConfig(block.Text("type") ?? "dask", Plain(block, [.. block.Unread]));
    }

    /// <summary>A path of our own block, written as text or as a block with <c>path</c>.</summary>
    private string FstorePath(YamlBlock? fstore, string key, string fallback, bool remoteAllowed)
    {
        if (fstore?.Node(key) is YamlMappingNode)
        {
            var block = fstore.Block(key)!;
            var inner = block.Text("path") ?? fallback;
            return remoteAllowed && IsRemote(inner) ? inner.TrimEnd('/') : Local(block, "path", inner);
        }

        var path = fstore?.Text(key) ?? fallback;
        return remoteAllowed && IsRemote(path) ? path.TrimEnd('/') : fstore is null ? Path.GetFullPath(path, _repo) : Local(fstore, key, path);
    }

    private string Local(YamlBlock block, string key, string path)
    {
        const string FileScheme = "file://";
        var local = path.StartsWith(FileScheme, StringComparison.Ordinal) ? path[FileScheme.Length..] : path;
        if (IsRemote(local) || local.Contains('\0', StringComparison.Ordinal))
        {
            block.Fault(key, $"'{key}' is '{path}', which is no local path; write a path, absolute or relative to the repo.");
            return string.Empty;
        }

        return local.Length == 0 ? string.Empty : Path.GetFullPath(local, _repo);
    }

    private static bool IsRemote(string path) => path.Contains("://", StringComparison.Ordinal);

    private static void ReadPast(YamlBlock block, string[] keys)
    {
        foreach (var key in keys)
        {
            block.Node(key);
        }
    }

    private Dictionary<string, object?> Plain(YamlBlock? block, IEnumerable<string> keys) =>
        keys.ToDictionary(k => k, k => block!.Node(k) is { } node ? YamlText.Plain(node, block.File, _faults) : null);

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9_-]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex ProjectName();
}
