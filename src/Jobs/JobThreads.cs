namespace FeatureStore.Jobs;

/// <summary>How the runtime's pool waits in a process that does nothing but one job.</summary>
public static class JobThreads
{
    // The runtime's own setting, read when the pool makes its first thread.
    private const string SpinLimit = "System.Threading.ThreadPool.UnfairSemaphoreSpinLimit";

    /// <summary>
    /// Threads without work sleep at once. They would spin first, for the next request to be taken up sooner; a job has hundreds of commands on their way
    /// whenever it waits, so it gains nothing by that and takes processor time from the store beside it. To be called before anything is awaited.
    /// </summary>
    public static void SleepAtOnce() => AppContext.SetData(SpinLimit, 0);
}
