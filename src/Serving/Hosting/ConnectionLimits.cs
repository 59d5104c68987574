using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace FeatureStore.Serving.Hosting;

/// <summary>What a connection may cost the server before a request of it is whole. A peer that is slow or gone is let go; one that works never meets a bound.</summary>
/// <param name="HeadersMax">From the first byte of a request until its headers are whole. Clients send them in one packet.</param>
/// <param name="IdleMax">A connection without a request. Above the minute for which balancers keep theirs, so that they close first and no request meets a closing connection.</param>
/// <param name="BodyBytesPerSecondMin">Slowest body taken, counted after <paramref name="BodyGrace"/>; any line is faster.</param>
/// <param name="BodyGrace">How long a body may fall short of the rate; above one second, the server's own beat.</param>
/// <param name="ConnectionsMax">Open connections over both ports, each some ten kilobytes and a file handle; further ones are closed at once. A closed door is better than no memory for those inside.</param>
/// <param name="StreamsMax">HTTP/2 calls at once on a connection; clients open another connection beyond it.</param>
/// <param name="PingDelay">How long an HTTP/2 peer may say nothing before it is asked whether it is there: streams that only wait, as a health watch, have no other bound.</param>
/// <param name="PingTimeout">How long its answer may take.</param>
public sealed record ConnectionLimits(
    TimeSpan HeadersMax,
    TimeSpan IdleMax,
    double BodyBytesPerSecondMin,
    TimeSpan BodyGrace,
    int ConnectionsMax,
    int StreamsMax,
    TimeSpan PingDelay,
    TimeSpan PingTimeout)
{
    /// <summary>What the server runs with.</summary>
    public static ConnectionLimits Default { get; } = new(
        HeadersMax: TimeSpan.FromSeconds(10),
        IdleMax: TimeSpan.FromSeconds(130),
        BodyBytesPerSecondMin: 240,
        BodyGrace: TimeSpan.FromSeconds(5),
        ConnectionsMax: 16_384,
        StreamsMax: 100,
        PingDelay: TimeSpan.FromSeconds(60),
        PingTimeout: TimeSpan.FromSeconds(20));

    internal void Apply(KestrelServerLimits limits)
    {
        limits.RequestHeadersTimeout = HeadersMax;
        limits.KeepAliveTimeout = IdleMax;
        limits.MinRequestBodyDataRate = new MinDataRate(BodyBytesPerSecondMin, BodyGrace);
        limits.MaxConcurrentConnections = ConnectionsMax;
        limits.Http2.MaxStreamsPerConnection = StreamsMax;
        limits.Http2.KeepAlivePingDelay = PingDelay;
        limits.Http2.KeepAlivePingTimeout = PingTimeout;
    }
}
