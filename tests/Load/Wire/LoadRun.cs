using System.Diagnostics;
using System.Net;

namespace FeatureStore.Load.Wire;

/// <summary>What a load saw.</summary>
/// <param name="Wrong">Calls whose answer was not the expected one, byte for byte.</param>
/// <param name="FirstWrong">What was wrong with the first of them.</param>
internal sealed record LoadResult(long Calls, long Wrong, string? FirstWrong, double Seconds, double P50Micros, double P99Micros)
{
    public double PerSecond => Calls / Seconds;
}

/// <summary>Closed and open loops over one connection. Requests are taken round robin.</summary>
internal static class LoadRun
{
    // Kestrel's bound of streams on a connection.
    private const int InFlightMax = 100;

    /// <summary>So many callers, each asking again as soon as it is answered.</summary>
    public static LoadResult Closed(IPEndPoint server, string path, IReadOnlyList<LoadRequest> requests, int callers, TimeSpan span)
    {
        using var connection = new LoadConnection(server, path, requests);
        var tally = new Tally();
        var next = 0;
        var started = Stopwatch.GetTimestamp();
        var end = started + Ticks(span);
        for (var i = 0; i < callers; i++)
        {
            connection.Begin(next++ % requests.Count, Stopwatch.GetTimestamp());
        }

        connection.Flush();
        while (connection.InFlight > 0)
        {
            connection.Receive((begun, right) =>
            {
                var now = Stopwatch.GetTimestamp();
                tally.Add(begun, now, right);
                if (now < end)
                {
                    connection.Begin(next++ % requests.Count, now);
                }
            });
            connection.Flush();
        }

        return tally.Result(started, connection.FirstWrong);
    }

    /// <summary>
    /// Calls at a fixed rate, whatever the answers do. A latency counts from the moment at which the call was due, so a
    /// stall is charged to every call that waited for it (no coordinated omission).
    /// </summary>
    public static LoadResult Open(IPEndPoint server, string path, IReadOnlyList<LoadRequest> requests, double perSecond, TimeSpan span)
    {
        using var connection = new LoadConnection(server, path, requests);
        var tally = new Tally();
        var started = Stopwatch.GetTimestamp();
        var total = (long)(perSecond * span.TotalSeconds);
        long sent = 0;
        while (sent < total || connection.InFlight > 0)
        {
            for (; sent < total && connection.InFlight < InFlightMax && Due(sent) <= Stopwatch.GetTimestamp(); sent++)
            {
                connection.Begin((int)(sent % requests.Count), Due(sent));
            }

            connection.Flush();
            if (connection.HasInput || sent == total || connection.InFlight == InFlightMax)
            {
                connection.Receive((due, right) => tally.Add(due, Stopwatch.GetTimestamp(), right));
            }
            else
            {
                // A timer would be late by up to a millisecond; the core is given to the store meanwhile.
                Thread.Yield();
            }
        }

        return tally.Result(started, connection.FirstWrong);

        long Due(long call) => started + (long)(call * (Stopwatch.Frequency / perSecond));
    }

    /// <summary>Asks each request once and gives the answers.</summary>
    public static byte[][] Answers(IPEndPoint server, string path, IReadOnlyList<LoadRequest> requests)
    {
        var answers = new List<byte[]>();
        using var connection = new LoadConnection(server, path, requests);
        for (var i = 0; i < requests.Count; i++)
        {
            connection.Begin(i, 0);
            connection.Flush();
            while (connection.InFlight > 0)
            {
                connection.Receive((_, _) => { }, answers.Add);
                connection.Flush();
            }
        }

        return [.. answers];
    }

    private static long Ticks(TimeSpan span) => (long)(span.TotalSeconds * Stopwatch.Frequency);

    private sealed class Tally
    {
        private readonly LatencyHistogram _latencies = new();
        private long _wrong;

        public void Add(long begun, long now, bool right)
        {
            _latencies.Add(Stopwatch.GetElapsedTime(begun, now).TotalMicroseconds);
            _wrong += right ? 0 : 1;
        }

        public LoadResult Result(long started, string? firstWrong) => new(
            _latencies.Count, _wrong, firstWrong, Stopwatch.GetElapsedTime(started).TotalSeconds, _latencies.Quantile(0.5), _latencies.Quantile(0.99));
    }
}
