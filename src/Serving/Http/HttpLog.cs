using Microsoft.Extensions.Logging;

namespace FeatureStore.Serving.Http;

/// <summary>Log messages of the HTTP API; ids are published and never change.</summary>
internal static partial class HttpLog
{
    [LoggerMessage(1, LogLevel.Error, "The request to {Path} failed.")]
    public static partial void Failed(ILogger logger, string path, Exception cause);
}
