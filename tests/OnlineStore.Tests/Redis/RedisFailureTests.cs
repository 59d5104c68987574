using System.Diagnostics;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore.Redis;
using FeatureStore.Tests.Servers;

namespace FeatureStore.OnlineStore.Tests.Redis;

/// <summary>A server that is gone, silent, closed to us, or full of what others wrote.</summary>
public sealed class RedisFailureTests
{
    private const string Canary = "canary-entity-value";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly OnlineTable Weekly = new("p", "weekly", ["count", "total"]);
    private static readonly byte[] Key = [.. "canary-entity-value"u8];

    [SkippableFact]
    public async Task Read_AfterARestart_ReconnectsByItself()
    {
        await using var redis = await TestRedis.StartAsync(o => o with { ConnectionString = o.ConnectionString + ",socket_timeout=1" });
        await WriteAsync(redis.Store, 1);
        redis.Server.Kill();
        await AssertFailsAsync(() => ReadAsync(redis.Store, CancellationToken.None));
        await AssertFailsAsync(() => WriteAsync(redis.Store, 2));
        await redis.Server.RestartAsync();
        await TestProgram.PollAsync("A read after the restart", async cancellationToken =>
        {
            try
            {
                return (await ReadAsync(redis.Store, cancellationToken)).EventTimeMicros is null;
            }
            catch (OnlineStoreException)
            {
                return false;
            }
        });
        await WriteAsync(redis.Store, 3);
        Assert.Equal(3, (await ReadAsync(redis.Store, CancellationToken.None)).EventTimeMicros);
    }

    [SkippableFact]
    public async Task Read_SilentServer_EndsByTheSocketTimeoutAndRecovers()
    {
        await using var redis = await TestRedis.StartAsync(o => o with { ConnectionString = o.ConnectionString + ",socket_timeout=0.5" });
        await WriteAsync(redis.Store, 1);
        redis.Server.Pause();
        await AssertFailsAsync(() => ReadAsync(redis.Store, CancellationToken.None));
        await AssertFailsAsync(() => WriteAsync(redis.Store, 2));
        redis.Server.Resume();
        await TestProgram.PollAsync("A read after the pause", async cancellationToken =>
        {
            try
            {
                return (await ReadAsync(redis.Store, cancellationToken)).EventTimeMicros is not null;
            }
            catch (OnlineStoreException)
            {
                return false;
            }
        });
    }

    [SkippableFact]
    public async Task Read_SilentServer_EndsByTheCallersToken()
    {
        await using var redis = await TestRedis.StartAsync(o => o with { ConnectionString = o.ConnectionString + ",socket_timeout=60" });
        await WriteAsync(redis.Store, 1);
        redis.Server.Pause();
        using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        var watch = Stopwatch.StartNew();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ReadAsync(redis.Store, deadline.Token));
        Assert.True(watch.Elapsed < Patience, $"It took {watch.Elapsed}.");
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("no-such-host.invalid")]
    public async Task Open_NothingListens_SaysWhere(string host)
    {
        var address = $"{host}:{TestProgram.FreePort()}";
        await using var store = new RedisOnlineStore(TestRedis.Options(address), TimeProvider.System);
        var error = await AssertFailsAsync(() => ReadAsync(store, CancellationToken.None));
        Assert.Contains(address, error.Message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData(",password=wrong-secret")]
    [InlineData("")]
    public async Task Open_WrongPassword_SaysSoAndShowsNone(string option)
    {
        await using var server = await RedisServer.StartAsync("--requirepass", "right-secret");
        await using var store = new RedisOnlineStore(TestRedis.Options(server.Address + option), TimeProvider.System);
        var error = await AssertFailsAsync(() => ReadAsync(store, CancellationToken.None));
        Assert.Contains("password", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.ToString(), StringComparison.Ordinal);
        await using var right = new RedisOnlineStore(TestRedis.Options(server.Address + ",password=right-secret"), TimeProvider.System);
        await WriteAsync(right, 1);
        Assert.Equal(1, (await ReadAsync(right, CancellationToken.None)).EventTimeMicros);
    }

    [SkippableTheory]
    [InlineData("_ts:weekly", "garbage", "weekly", "time")]
    [InlineData("count", "garbage", "weekly", "count")]
    [InlineData("total", "\u0012\u0005ab", "weekly", "total")]
    public async Task Read_GarbageInAField_NamesViewAndField(string field, string garbage, string view, string named)
    {
        await using var redis = await TestRedis.StartAsync();
        await WriteAsync(redis.Store, 1);
        var name = field.StartsWith("_ts:", StringComparison.Ordinal) ? FeatureHash.TimestampField("weekly") : FeatureHash.Field("weekly", field);
        await redis.Database.HashSetAsync(EntityKeyEncoder.ForRedis(Key, "p"), name, garbage);
        var error = await AssertFailsAsync(() => ReadAsync(redis.Store, CancellationToken.None));
        Assert.Contains(view, error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Write_OverAGarbageTime_IsRefusedByName()
    {
        await using var redis = await TestRedis.StartAsync();
        foreach (var garbage in new[] { "garbage", "\u0008", "\u0008\u00ff", "\u0018\u0001", "\u0008\u0001\u0010" })
        {
            await redis.Database.HashSetAsync(EntityKeyEncoder.ForRedis(Key, "p"), "_ts:weekly", System.Text.Encoding.Latin1.GetBytes(garbage));
            var error = await AssertFailsAsync(() => WriteAsync(redis.Store, 1));
            Assert.Contains("weekly", error.Message, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public async Task AnyCall_KeyOfAnotherKind_NamesTheView()
    {
        await using var redis = await TestRedis.StartAsync();
        await redis.Database.StringSetAsync(EntityKeyEncoder.ForRedis(Key, "p"), "x");
        foreach (var call in new[] { () => (Task)ReadAsync(redis.Store, CancellationToken.None), () => WriteAsync(redis.Store, 1) })
        {
            var error = await AssertFailsAsync(call);
            Assert.Contains("weekly", error.Message, StringComparison.Ordinal);
        }

        await redis.Store.RemoveRowsAsync([Weekly], [Key], CancellationToken.None);
        Assert.True(await redis.Database.KeyExistsAsync(EntityKeyEncoder.ForRedis(Key, "p")));
    }

    [SkippableFact]
    public async Task Write_ScriptsForgotten_LoadsThemAgain()
    {
        await using var redis = await TestRedis.StartAsync();
        for (var micros = 1; micros <= 3; micros++)
        {
            await WriteAsync(redis.Store, micros);
            await redis.Client.GetServers()[0].ScriptFlushAsync();
            Assert.Equal(micros, (await ReadAsync(redis.Store, CancellationToken.None)).EventTimeMicros);
        }
    }

    private static async Task<OnlineRead> ReadAsync(IOnlineStore store, CancellationToken cancellationToken) =>
        (await store.ReadAsync([Weekly], [Key], cancellationToken))[0][0];

    private static Task<OnlineWriteCounts> WriteAsync(IOnlineStore store, long micros) => store.WriteAsync(
        Weekly, [new EncodedRow(Key, micros, null, [ValueBytes.Int64(micros), []])], OnlineWriteRule.NewerWins, CancellationToken.None);

    private static async Task<OnlineStoreException> AssertFailsAsync(Func<Task> call)
    {
        var watch = Stopwatch.StartNew();
        var error = await Assert.ThrowsAsync<OnlineStoreException>(call);
        Assert.True(watch.Elapsed < Patience, $"It took {watch.Elapsed}.");
        Assert.DoesNotContain(Canary, error.ToString(), StringComparison.Ordinal);
        return error;
    }
}
