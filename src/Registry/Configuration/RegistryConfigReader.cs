using FeatureStore.Registry.Yaml;
using YamlDotNet.RepresentationModel;

namespace FeatureStore.Registry.Configuration;

/// <summary>Reads the <c>registry</c> key. As in Feast, keys of its block that nobody knows are let pass.</summary>
internal static class RegistryConfigReader
{
    private const string Key = "registry";
    private const string Example = "data/registry.db";

    private static readonly string[] SchemaModes = ["auto", "verify", "skip"];

    private static readonly string[] CacheModes = ["sync", "thread"];

    /// <param name="local">Makes a path of a block's key absolute, or adds a fault.</param>
    public static RegistryConfig Read(YamlBlock root, Func<YamlBlock, string, string, string> local)
    {
        if (root.Node(Key) is not YamlMappingNode)
        {
            return new RegistryConfig("file", local(root, Key, root.RequiredText(Key, Example)));
        }

        var block = root.Block(Key)!;
        var type = block.Text("registry_type") ?? "file";
        if (type is not ("file" or "sql"))
        {
            block.Fault("registry_type", $"A registry of type '{type}' cannot be opened; use 'registry_type: file' or 'registry_type: sql'.");
        }

        var store = block.Text("registry_store_type");
        if (type == "file" && store is not (null or "FileRegistryStore"))
        {
            block.Fault("registry_store_type", $"The registry store '{store}' cannot be opened; remove the key and give 'path' a local file.");
        }

        var path = block.RequiredText("path", type == "sql" ? "postgresql://feast@localhost:5432/feast" : Example);
        var mode = block.Text("cache_mode") ?? CacheModes[0];
        if (!CacheModes.Contains(mode))
        {
            block.Fault("cache_mode", $"'{mode}' is no cache_mode; write one of {string.Join(", ", CacheModes)}.");
        }

        var (readPath, makesTables) = (block.Text("read_path"), MakesTables(block));
        return new RegistryConfig(
            type,
            type == "sql" ? path : local(block, "path", path),
            block.Number("cache_ttl_seconds", 0, int.MaxValue) ?? RegistryConfig.DefaultCacheTtlSeconds,
            mode,
            block.Flag("serve_features_while_materializing", false),
            block.Flag("enable_online_feature_view_versioning", false))
        {
            ReadPath = type == "sql" ? readPath : null,
            MakesTables = makesTables,
        };
    }

    private static bool MakesTables(YamlBlock block)
    {
        const string SchemaMode = "schema_mode";
        var mode = block.Text(SchemaMode) ?? SchemaModes[0];
        if (!SchemaModes.Contains(mode))
        {
            block.Fault(SchemaMode, $"'{mode}' is no schema_mode; write one of {string.Join(", ", SchemaModes)}.");
        }

        return mode == SchemaModes[0];
    }
}
