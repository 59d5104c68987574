using System.Runtime.ExceptionServices;
using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.DataSets;

/// <summary>
/// Does work of several views at once, each on a connection. A view's statements are many and short, or wait for a pass over its rows in this process,
/// so that one view alone leaves cores idle.
/// </summary>
/// <param name="connect">Opens another connection.</param>
/// <param name="threads">How many the database has.</param>
internal sealed class ViewWorkers(Func<DuckDbConnection> connect, int threads)
{
    /// <summary>Works on every view by its number, as many at once as there are threads, and one more where there are several.</summary>
    /// <exception cref="Exception">What was thrown for the first of the views that failed; none is left running.</exception>
    public void Each(int views, Action<DuckDbConnection, int> work)
    {
        var faults = new ExceptionDispatchInfo?[views];
        var bounds = new ParallelOptions { MaxDegreeOfParallelism = threads == 1 ? 1 : threads + 1 };
        Parallel.For(0, views, bounds, view =>
        {
            try
            {
                using var connection = connect();
                work(connection, view);
            }
            catch (Exception e)
            {
                faults[view] = ExceptionDispatchInfo.Capture(e);
            }
        });
        faults.FirstOrDefault(f => f is not null)?.Throw();
    }
}
