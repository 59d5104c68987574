using Microsoft.Extensions.Logging;

namespace FeatureStore.Serving.Hosting;

/// <summary>Counts each request once, and writes it to the access log: what was called and how it ended, never with which entities.</summary>
internal sealed partial class RequestRecord(ServingRuntime runtime, ILogger<RequestRecord> log)
{
    public long Begin() => runtime.Time.GetTimestamp();

    /// <param name="status">The HTTP or gRPC code.</param>
    public void End(long begun, string endpoint, string status, bool succeeded, int features = 0, int views = 0)
    {
        var elapsed = runtime.Time.GetElapsedTime(begun);
        runtime.Metrics.Request(endpoint, succeeded, elapsed, features, views);
        Served(log, endpoint, status, elapsed.TotalMilliseconds);
    }

    [LoggerMessage(10, LogLevel.Information, "{Endpoint} {Status} {Millis:0.0} ms")]
    private static partial void Served(ILogger logger, string endpoint, string status, double millis);
}
