using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace FeatureStore.Client.Transport;

/// <summary>What the client logs: counts, times and statuses, never an entity value and never a server's text, which might hold one.</summary>
internal static partial class ClientLog
{
    [LoggerMessage(1, LogLevel.Debug, "Read features of {RowCount} entity rows in {BatchCount} calls and {ElapsedMs} ms", EventName = "QueryAnswered")]
    public static partial void QueryAnswered(ILogger logger, int rowCount, int batchCount, double elapsedMs);

    [LoggerMessage(2, LogLevel.Information, "Reading features of {RowCount} entity rows failed with {StatusCode} after {ElapsedMs} ms", EventName = "QueryFailed")]
    public static partial void QueryFailed(ILogger logger, int rowCount, StatusCode statusCode, double elapsedMs);

    [LoggerMessage(3, LogLevel.Debug, "Reading features of {RowCount} entity rows was cancelled after {ElapsedMs} ms", EventName = "QueryCancelled")]
    public static partial void QueryCancelled(ILogger logger, int rowCount, double elapsedMs);
}
