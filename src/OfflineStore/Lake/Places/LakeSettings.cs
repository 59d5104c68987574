using System.Globalization;
using FeatureStore.OfflineStore.Lake.Places.S3;
using FeatureStore.Registry.Configuration;

namespace FeatureStore.OfflineStore.Lake.Places;

/// <summary>Where a repo's lake lies, by its settings: <c>fstore: lake:</c>, <c>tables:</c> and <c>s3:</c>.</summary>
public static class LakeSettings
{
    private const string Block = "s3";
    private const string TablesBlock = "tables";
    private const int CacheMiBDefault = 4096;
    private const int TimeoutSecondsDefault = 30;
    private const int AttemptsDefault = 6;
    private static readonly string[] Names = ["endpoint", "region", "access_key", "secret_key", "path_style", "conditional_put", "cache_folder", "cache_mib", "timeout_seconds", "attempts"];

    /// <summary>The lake of a repo. Nothing is connected yet.</summary>
    /// <exception cref="DeltaException">A setting is missing, is not what it should be, or has a name that nothing reads.</exception>
    public static LakePlace Open(RepoConfig config)
    {
        var options = S3(config);
        return LakePlace.Open(config.LakePath, options is null ? null : S3Connection.Open(options), Locations(config));
    }

    /// <summary>The S3 server of a repo, or null where it names none.</summary>
    internal static S3Options? S3(RepoConfig config)
    {
        if (!config.Fstore.TryGetValue(Block, out var block) || block is null)
        {
            return null;
        }

        if (block is not IReadOnlyDictionary<string, object?> values)
        {
            throw new DeltaException("fstore: s3: is no mapping; write endpoint, access_key and secret_key below it.");
        }

        if (values.Keys.FirstOrDefault(k => !Names.Contains(k)) is { } unknown)
        {
            throw new DeltaException($"fstore: s3: {unknown} is no setting; there are {string.Join(", ", Names)}.");
        }

        var folder = Text(values, "cache_folder");
        return new S3Options(
            Endpoint(Text(values, "endpoint")),
            Text(values, "region") ?? "us-east-1",
            Text(values, "access_key") ?? Environment.GetEnvironmentVariable("AWS_ACCESS_KEY_ID") ?? throw Lacking("access_key"),
            Text(values, "secret_key") ?? Environment.GetEnvironmentVariable("AWS_SECRET_ACCESS_KEY") ?? throw Lacking("secret_key"),
            Word(values, "path_style", "true", "false") != "false",
            Word(values, "conditional_put", "auto", "yes", "no", "true", "false") switch { "yes" or "true" => ConditionalPut.Yes, "no" or "false" => ConditionalPut.No, _ => ConditionalPut.Auto },
            folder is null ? Path.Combine(Path.GetTempPath(), "fstore-s3") : Path.GetFullPath(folder, config.RepoDirectory),
            (long)Number(values, "cache_mib", CacheMiBDefault, 1 << 24) << 20,
            TimeSpan.FromSeconds(Number(values, "timeout_seconds", TimeoutSecondsDefault, 3600)),
            Number(values, "attempts", AttemptsDefault, 100))
        {
            // A writer must not be near the end of its lease while a request may last.
            Lease = TimeSpan.FromSeconds(Math.Max(60, 4 * Number(values, "timeout_seconds", TimeoutSecondsDefault, 3600))),
        };
    }

    private static Dictionary<string, string> Locations(RepoConfig config)
    {
        if (!config.Fstore.TryGetValue(TablesBlock, out var block) || block is null)
        {
            return [];
        }

        return block is IReadOnlyDictionary<string, object?> values && values.All(v => v.Value is string { Length: > 0 })
            ? values.ToDictionary(v => v.Key.Trim('/'), v => Whole((string)v.Value!, config))
            : throw new DeltaException("fstore: tables: gives tables that lie outside of the lake their places; write 'demographic: s3://bucket/prefix' below it.");
    }

    private static string Whole(string address, RepoConfig config) =>
        address.StartsWith(S3Connection.Scheme, StringComparison.Ordinal) ? address.TrimEnd('/') : Path.GetFullPath(address, config.RepoDirectory);

    private static Uri? Endpoint(string? text) => text is null ? null
        : Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" ? uri
        : throw new DeltaException($"fstore: s3: endpoint: {text} is no address; write http://host:9000, or leave it out for Amazon's own.");

    private static DeltaException Lacking(string name) =>
        new($"fstore: s3: {name} is missing. Set FSTORE__S3__{name.ToUpperInvariant()}, or FSTORE__S3__{name.ToUpperInvariant()}_FILE to a file that holds it.");

    private static string? Text(IReadOnlyDictionary<string, object?> values, string name) =>
        Convert.ToString(values.GetValueOrDefault(name), CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : null;

    private static string? Word(IReadOnlyDictionary<string, object?> values, string name, params string[] words) =>
        Text(values, name)?.ToLowerInvariant() is not { } text ? null
        : words.Contains(text) ? text
        : throw new DeltaException($"fstore: s3: {name}: {text} is none of {string.Join(", ", words)}.");

    private static int Number(IReadOnlyDictionary<string, object?> values, string name, int standard, int most) =>
        Text(values, name) is not { } text ? standard
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most ? number
        : throw new DeltaException($"fstore: s3: {name}: {text} is no whole number from 1 to {most}.");
}
