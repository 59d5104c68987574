using Grpc.Core;

namespace FeatureStore.Client.Transport;

/// <summary>
/// Tries a read again that was answered UNAVAILABLE, or whose connection failed or was closed on it. The gRPC library's own retry is not used: when the HTTP client sends
/// such a call once more by itself, as it does when a server that stops turns a stream away (GOAWAY), the library leaves
/// the body empty, and the server answers INTERNAL.
/// </summary>
internal sealed class Retries(RetryOptions options)
{
    public async Task<T> RunAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        var backoff = options.InitialBackoff;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await call().ConfigureAwait(false);
            }
            catch (RpcException e) when (MayPass(e) && attempt < options.AttemptsMax && !cancellationToken.IsCancellationRequested)
            {
                // Drawn anew each time, so that callers who failed together do not come back together. No secret hangs on it.
                await Task.Delay(backoff * Random.Shared.NextDouble(), TimeProvider.System, cancellationToken).ConfigureAwait(false);
                var next = backoff * options.BackoffMultiplier;
                backoff = next < options.MaxBackoff ? next : options.MaxBackoff;
            }
        }
    }

    // The library calls a connection that the server closed while the call was on its way INTERNAL.
    private static bool MayPass(RpcException e) => e.StatusCode == StatusCode.Unavailable
        || e.Status.DebugException is HttpRequestException { HttpRequestError: HttpRequestError.HttpProtocolError or HttpRequestError.ConnectionError or HttpRequestError.ResponseEnded };
}
