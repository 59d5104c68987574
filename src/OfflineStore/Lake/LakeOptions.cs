using System.Globalization;
using FeatureStore.Registry.Configuration;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>Bounds of the DuckDB that reads and writes the lake: <c>fstore: duckdb:</c> in <c>feature_store.yaml</c>.</summary>
/// <param name="MemoryLimitMiB">Most memory before it spills to disk, MiB; <c>memory_limit_mib</c>.</param>
/// <param name="Threads">Worker threads; <c>threads</c>.</param>
/// <param name="SpillFolder">Where it spills; each database makes a folder of its own there. <c>spill_folder</c>.</param>
public sealed record LakeOptions(int MemoryLimitMiB, int Threads, string SpillFolder)
{
    private const string Block = "duckdb";
    private const int MemoryLimitMiBDefault = 1024;
    private const int MemoryLimitMiBLeast = 64; // Below, DuckDB cannot hold its own buffers for two threads.
    private const int MemoryLimitMiBMax = 1 << 20;
    private const int ThreadsMax = 256;

    /// <summary>1 GiB, a thread per core, and the system's temporary folder.</summary>
    public static LakeOptions Default { get; } =
        new(MemoryLimitMiBDefault, Math.Min(Environment.ProcessorCount, ThreadsMax), Path.Combine(Path.GetTempPath(), "fstore-duckdb"));

    /// <summary>The options of a repo; what it does not name has its default.</summary>
    /// <exception cref="DeltaException">The block or a value is not what it should be, or has a name that nothing reads.</exception>
    public static LakeOptions Read(RepoConfig config)
    {
        if (!config.Fstore.TryGetValue(Block, out var block) || block is null)
        {
            return Default;
        }

        if (block is not IReadOnlyDictionary<string, object?> values)
        {
            throw new DeltaException("fstore: duckdb: is no mapping; write memory_limit_mib and threads below it.");
        }

        if (values.Keys.FirstOrDefault(k => k is not ("memory_limit_mib" or "threads" or "spill_folder")) is { } unknown)
        {
            throw new DeltaException($"fstore: duckdb: {unknown} is no setting; there are memory_limit_mib, threads and spill_folder.");
        }

        var folder = values.GetValueOrDefault("spill_folder") as string;
        return new LakeOptions(
            Number(values, "memory_limit_mib", MemoryLimitMiBLeast, MemoryLimitMiBMax) ?? Default.MemoryLimitMiB,
            Number(values, "threads", 1, ThreadsMax) ?? Default.Threads,
            string.IsNullOrEmpty(folder) ? Default.SpillFolder : Path.GetFullPath(folder, config.RepoDirectory));
    }

    private static int? Number(IReadOnlyDictionary<string, object?> values, string name, int least, int most)
    {
        if (values.GetValueOrDefault(name) is not { } value)
        {
            return null;
        }

        var text = Convert.ToString(value, CultureInfo.InvariantCulture);
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new DeltaException($"fstore: duckdb: {name}: {text} is no whole number from {least} to {most}.");
    }
}
