using FeatureStore.Jobs.Runs;

namespace FeatureStore.Jobs.Schedule;

/// <summary>What everything that runs flows shares.</summary>
/// <param name="RunsPath">The file of runs; the logs lie beside it.</param>
public sealed record FlowRoom(string RunsPath, string Project, FlowSchedule Schedule, IFlowTasks Tasks, TimeProvider Time)
{
    internal static string PoolLease(string project, string pool) => $"pool {project}/{pool}";

    internal static string ActiveLease(string project, string flow) => $"active {project}/{flow}";

    /// <summary>How many slots of a pool are taken now.</summary>
    public static int HeldSlots(RunFile file, string project, string pool, TimeProvider time) => new Leases(file, time, LeaseKeeper.Duration).Held($"{PoolLease(project, pool)}/").Count;
}
