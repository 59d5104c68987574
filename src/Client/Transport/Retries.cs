using System.Globalization;
using Grpc.Core;

namespace FeatureStore.Client.Transport;

/// <summary>
/// Tries a read again that was answered UNAVAILABLE, or whose connection failed or was closed on it. The gRPC library's own retry is not used: when the HTTP client sends
/// such a call once more by itself, as it does when a server that stops turns a stream away (GOAWAY), the library leaves
/// the body empty, and the server answers INTERNAL.
/// </summary>
internal sealed class Retries(RetryOptions options, TimeProvider time, Random random)
{
    // gRPC's proposal A6 (client retries): milliseconds to wait for, or anything else for "do not come back".
    private const string Pushback = "grpc-retry-pushback-ms";

    /// <param name="call">One try.</param>
    /// <param name="deadline">The moment, in UTC, after which no try begins: a pause that leads past it ends in the failure at once.</param>
    public async Task<T> RunAsync<T>(Func<Task<T>> call, DateTime? deadline, CancellationToken cancellationToken)
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
                var asked = e.Trailers.GetValue(Pushback);

                // Drawn anew each time, so that callers who failed together do not come back together. No secret hangs on it.
                var pause = asked is null ? backoff * random.NextDouble() : Wanted(asked);
                if (pause is not { } wait || (deadline is { } end && time.GetUtcNow() + wait >= end))
                {
                    throw;
                }

                await Task.Delay(wait, time, cancellationToken).ConfigureAwait(false);

                // A server that says when to come back starts the pauses anew, by A6.
                var next = asked is null ? backoff * options.BackoffMultiplier : options.InitialBackoff;
                backoff = next < options.MaxBackoff ? next : options.MaxBackoff;
            }
        }
    }

    private static TimeSpan? Wanted(string pushback) =>
        int.TryParse(pushback, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var millis) && millis >= 0 ? TimeSpan.FromMilliseconds(millis) : null;

    // The library calls a connection that the server closed while the call was on its way INTERNAL.
    private static bool MayPass(RpcException e) => e.StatusCode == StatusCode.Unavailable
        || e.Status.DebugException is HttpRequestException { HttpRequestError: HttpRequestError.HttpProtocolError or HttpRequestError.ConnectionError or HttpRequestError.ResponseEnded };
}
