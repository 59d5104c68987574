using FeatureStore.Client.Transport;
using Grpc.Core;

namespace FeatureStore.Client.Tests.Transport;

/// <summary>
/// When a call is tried again, and after which pause; the clock runs as fast as it is asked to. The pauses are drawn from a seed, as one below a millisecond
/// is no pause to the clock.
/// </summary>
public sealed class RetriesTests
{
    private static readonly RetryOptions Options = new(4, TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(150), 2);

    private readonly QuickTime _time = new();

    [Fact]
    public async Task Run_UnavailableThreeTimes_PausesBelowGrowingBounds()
    {
        Assert.Equal(4, await RunAsync(Failing(3, StatusCode.Unavailable)));
        Assert.Equal(3, _time.Pauses.Count);
        Assert.All(_time.Pauses.Zip([100, 150, 150]), p => Assert.InRange(p.First.TotalMilliseconds, 0, p.Second));
    }

    [Fact]
    public async Task Run_AttemptsUsedUp_GivesTheLastFailure()
    {
        var error = await Assert.ThrowsAsync<RpcException>(() => RunAsync(Failing(4, StatusCode.Unavailable)));
        Assert.Equal(("try 4", 3), (error.Status.Detail, _time.Pauses.Count));
    }

    [Theory]
    [InlineData(StatusCode.InvalidArgument)]
    [InlineData(StatusCode.ResourceExhausted)]
    [InlineData(StatusCode.DeadlineExceeded)]
    [InlineData(StatusCode.Internal)]
    public async Task Run_WhatWillNotPass_IsTriedOnce(StatusCode code)
    {
        Assert.Equal("try 1", (await Assert.ThrowsAsync<RpcException>(() => RunAsync(Failing(1, code)))).Status.Detail);
        Assert.Empty(_time.Pauses);
    }

    [Fact]
    public async Task Run_ConnectionClosedUnderTheCall_IsTriedAgain()
    {
        var closed = new HttpRequestException(HttpRequestError.ResponseEnded);
        Assert.Equal(2, await RunAsync(n => n == 1 ? throw new RpcException(new Status(StatusCode.Internal, "closed", closed)) : Task.FromResult(n)));
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("1234", 1234)]
    public async Task Run_ServerSaysWhenToComeBack_WaitsJustThat(string pushback, int millis)
    {
        Assert.Equal(2, await RunAsync(Failing(1, StatusCode.Unavailable, pushback)));
        Assert.Equal(millis, _time.Pauses.Sum(p => p.TotalMilliseconds));
    }

    [Fact]
    public async Task Run_AfterAWaitThatTheServerAskedFor_PausesBeginAnew()
    {
        Assert.Equal(4, await RunAsync(n => n < 4 ? throw Failure(n, StatusCode.Unavailable, n == 2 ? "5" : null) : Task.FromResult(n)));
        Assert.Equal(5, _time.Pauses[1].TotalMilliseconds);
        Assert.InRange(_time.Pauses[2].TotalMilliseconds, 0, 100);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("soon")]
    [InlineData("99999999999")]
    [InlineData("")]
    public async Task Run_ServerSaysNotToComeBack_IsTriedOnce(string pushback)
    {
        Assert.Equal("try 1", (await Assert.ThrowsAsync<RpcException>(() => RunAsync(Failing(1, StatusCode.Unavailable, pushback)))).Status.Detail);
        Assert.Empty(_time.Pauses);
    }

    [Fact]
    public async Task Run_WaitLeadsPastTheDeadline_FailsAtOnceAsTheServerSaid()
    {
        var error = await Assert.ThrowsAsync<RpcException>(() => new Retries(Options, _time, new Random(20261130)).RunAsync(
            Counted(Failing(1, StatusCode.Unavailable, "2000")), _time.GetUtcNow().UtcDateTime.AddSeconds(2), CancellationToken.None));
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        Assert.Empty(_time.Pauses);
    }

    [Fact]
    public async Task Run_TokenCancelled_IsNotTriedAgain()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAsync<RpcException>(() => new Retries(Options, _time, new Random(20261130)).RunAsync(Counted(Failing(1, StatusCode.Unavailable)), null, cancelled.Token));
        Assert.Empty(_time.Pauses);
    }

    private static RpcException Failure(int attempt, StatusCode code, string? pushback) => new(
        new Status(code, $"try {attempt}"), pushback is null ? [] : new Metadata { { "grpc-retry-pushback-ms", pushback } });

    private static Func<int, Task<int>> Failing(int times, StatusCode code, string? pushback = null) =>
        n => n <= times ? throw Failure(n, code, pushback) : Task.FromResult(n);

    private static Func<Task<int>> Counted(Func<int, Task<int>> call)
    {
        var attempt = 0;
        return () => call(++attempt);
    }

    private Task<int> RunAsync(Func<int, Task<int>> call) => new Retries(Options, _time, new Random(20261130)).RunAsync(Counted(call), null, CancellationToken.None);

    /// <summary>Notes how long each wait is, and ends it at once.</summary>
    private sealed class QuickTime : TimeProvider
    {
        public List<TimeSpan> Pauses { get; } = [];

        public override DateTimeOffset GetUtcNow() => new(2026, 11, 25, 0, 0, 0, TimeSpan.Zero);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Pauses.Add(dueTime);
            return System.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }
}
