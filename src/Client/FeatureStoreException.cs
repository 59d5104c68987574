using Grpc.Core;

namespace FeatureStore.Client;

/// <summary>
/// A call failed: the server refused it, did not answer in time, or cannot be reached. Absent, null and too old values
/// are no failures; they are statuses in the answer.
/// </summary>
public sealed class FeatureStoreException : Exception
{
    internal FeatureStoreException(StatusCode statusCode, string message, Exception? cause = null)
        : base(message, cause) => StatusCode = statusCode;

    /// <summary>The gRPC status, for instance <see cref="Grpc.Core.StatusCode.NotFound"/> for an unknown feature service.</summary>
    public StatusCode StatusCode { get; }

    /// <summary>Whether the same call may succeed later: the server was busy, gone or too slow, or its definitions were changing.</summary>
    public bool IsTransient =>
        StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.ResourceExhausted or StatusCode.Aborted;

    internal static FeatureStoreException From(RpcException cause, Uri target)
    {
        var code = cause.StatusCode;
        var message = code switch
        {
            _ when code == StatusCode.Unavailable || cause.Status.DebugException is HttpRequestException => $"The feature server at {target} cannot be reached or is not ready: {cause.Status.Detail}",
            StatusCode.DeadlineExceeded => $"The feature server at {target} did not answer before the deadline; allow more time or ask for less.",
            _ => $"The feature server at {target} answered {code}: {cause.Status.Detail}",
        };
        return new FeatureStoreException(code, message, cause);
    }
}
