using System.Text;

namespace FeatureStore.Registry.Configuration;

/// <summary>The <c>registry</c> of <c>feature_store.yaml</c>: a path, or a block.</summary>
/// <param name="Type"><c>file</c> or <c>sql</c>.</param>
/// <param name="Path">The file, absolute; or the database's URL as SQLAlchemy takes it, which may hold a password and is never printed.</param>
/// <param name="CacheTtlSeconds">Seconds after which a reader looks again; 0 for never.</param>
/// <param name="CacheMode"><c>sync</c> or <c>thread</c>.</param>
/// <param name="ServeFeaturesWhileMaterializing">Serve views whose state is MATERIALIZING, as Feast 0.67 can.</param>
/// <param name="EnableOnlineFeatureViewVersioning">Read <c>view@v2</c> from the online store.</param>
public sealed record RegistryConfig(
    string Type,
    string Path,
    int CacheTtlSeconds = RegistryConfig.DefaultCacheTtlSeconds,
    string CacheMode = "sync",
    bool ServeFeaturesWhileMaterializing = false,
    bool EnableOnlineFeatureViewVersioning = false)
{
    /// <summary>Feast's default.</summary>
    public const int DefaultCacheTtlSeconds = 600;

    /// <summary>The URL that a SQL registry is read at, when it is another than it is written at; null for the same. Never printed.</summary>
    public string? ReadPath { get; init; }

    /// <summary>Whether a write may make the tables that a SQL registry lacks; false for Feast's <c>schema_mode</c> <c>verify</c> and <c>skip</c>.</summary>
    public bool MakesTables { get; init; } = true;

    public bool IsSql => Type == "sql";

    private bool PrintMembers(StringBuilder builder)
    {
        builder.Append(nameof(Type)).Append(" = ").Append(Type).Append(", Path = ").Append(IsSql ? "(hidden)" : Path);
        return true;
    }
}

/// <summary>The <c>materialization</c> block. <see cref="OnlineWriteBatchSize"/> is rows per write; null for Feast's one write.</summary>
public sealed record MaterializationConfig(bool PullLatestFeatures = false, int? OnlineWriteBatchSize = null);
