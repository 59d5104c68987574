using System.Globalization;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Scoring.Online;
using FeatureStore.Scoring.Receipts;
using FeatureStore.Scoring.Store;
using FeatureStore.Serving;

namespace FeatureStore.Cli.Composition;

/// <summary>What the <c>fstore:</c> block says of models, and the objects that score by it.</summary>
internal static class ScoringSettings
{
    private const string ModelsKey = "models";
    private const string DefaultModels = "data/models";
    private const string ReceiptsKey = "receipts";
    private const int DefaultFileMib = 64;
    private const int DefaultFiles = 64;
    private const int NumberMax = 1_024;

    private static readonly string[] ReceiptKeys = ["folder", "key", "file_mib", "files"];

    /// <summary>The folder that <c>fstore.models</c> names, against the repo.</summary>
    public static ModelStore Models(Repo repo) =>
        new(Path.Combine(repo.Config.RepoDirectory, repo.Config.Fstore.GetValueOrDefault(ModelsKey) as string ?? DefaultModels), TimeProvider.System);

    /// <summary>Where decisions are recorded: <c>fstore: {receipts: {folder: data/receipts, key: …, file_mib: 64, files: 64}}</c>; null where no folder is named.</summary>
    /// <exception cref="UsageException">A setting is wrong.</exception>
    public static ReceiptOptions? Receipts(RepoConfig config)
    {
        if (config.Fstore.GetValueOrDefault(ReceiptsKey) is not { } value)
        {
            return null;
        }

        var block = value as IReadOnlyDictionary<string, object?> ?? throw new UsageException($"fstore.receipts must be a block of keys, with a folder; correct it in {RepoConfig.FileName}.");
        if (block.Keys.Except(ReceiptKeys).FirstOrDefault() is { } unknown)
        {
            throw new UsageException($"fstore.receipts has the key '{unknown}'; it takes {string.Join(", ", ReceiptKeys)}.");
        }

        return block.GetValueOrDefault("folder") is string { Length: > 0 } folder
            ? new ReceiptOptions(Path.Combine(config.RepoDirectory, folder), block.GetValueOrDefault("key") as string, Number(block, "file_mib", DefaultFileMib) << 20, Number(block, "files", DefaultFiles))
            : throw new UsageException($"fstore.receipts names no folder; write 'receipts: {{folder: data/receipts}}' in {RepoConfig.FileName}.");
    }

    /// <summary>The log of the settings, opened; null where none is asked for.</summary>
    public static ReceiptLog? OpenReceipts(RepoConfig config) => Receipts(config) is { } options ? ReceiptLog.Open(options) : null;

    /// <summary>The live models under the snapshot that the runtime serves.</summary>
    /// <param name="only">One of them; null for all.</param>
    public static LiveModels Live(Repo repo, ServingRuntime runtime, string? only = null)
    {
        RegistrySnapshot Served() => runtime.Plans.Snapshot;
        return new LiveModels(Models(repo), Served, only);
    }

    private static int Number(IReadOnlyDictionary<string, object?> block, string key, int fallback)
    {
        if (block.GetValueOrDefault(key) is not { } value)
        {
            return fallback;
        }

        return int.TryParse(Convert.ToString(value, CultureInfo.InvariantCulture), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= NumberMax
            ? number
            : throw new UsageException($"fstore.receipts.{key} must be a whole number from 1 to {NumberMax}; correct it in {RepoConfig.FileName}.");
    }
}
