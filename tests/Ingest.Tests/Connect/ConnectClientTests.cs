using FeatureStore.Ingest.Connect;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Ingest.Tests.Connect;

/// <summary>The client beside what a worker was recorded to answer.</summary>
public sealed class ConnectClientTests : IDisposable
{
    private readonly ConnectWorker _worker = new();

    public void Dispose() => _worker.Dispose();

    [Fact]
    public async Task Verbs_OfAConnectorThatIsThere_AreTakenAndMayBeRepeated()
    {
        _worker.Then("pause_202").Then("pause_202").Then("resume_202").Then("delete_204").Then("delete_404");
        using var client = Client("viaput");
        Assert.True(await client.PauseAsync(default));
        Assert.True(await client.PauseAsync(default));
        Assert.True(await client.ResumeAsync(default));
        Assert.True(await client.DeleteAsync(default));
        Assert.False(await client.DeleteAsync(default));
        Assert.Empty(_worker.Faults);
    }

    [Fact]
    public async Task Restart_WithAndWithoutABody_IsTaken()
    {
        _worker.Then("restart_only_failed_202").Then("restart_204", path: "/connectors/failing/restart?includeTasks=true&onlyFailed=false");
        using var client = Client("failing");
        Assert.True(await client.RestartAsync(onlyFailed: true, default));
        Assert.True(await client.RestartAsync(onlyFailed: false, default));
        Assert.Empty(_worker.Faults);
    }

    [Fact]
    public async Task Status_OfAFailedTask_TellsTheFirstLineOfItsTrace()
    {
        _worker.Then("status_slot_dropped_while_stopped");
        using var client = Client("slot");
        var state = (await client.StatusAsync(default))!;
        Assert.Equal("RUNNING", state.State);
        var task = Assert.Single(state.Tasks);
        Assert.Equal("FAILED", task.State);
        Assert.StartsWith("io.debezium.DebeziumException: The connector is trying to read change stream starting at", task.Trace, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', task.Trace!);
    }

    [Fact]
    public async Task Status_NeverSeen_IsNull()
    {
        _worker.Then("status_404");
        using var client = Client("nosuch");
        Assert.Null(await client.StatusAsync(default));
    }

    [Fact]
    public async Task Status_WhileTheWorkerStarts_IsWaitedForAndNotTakenForAbsent()
    {
        _worker.Then("status_while_worker_starts_404").Then("status_while_worker_starts_404_again").Then("status_after_postgres_back");
        using var client = Client("rst");
        Assert.Equal("RUNNING", (await client.StatusAsync(default))!.State);
        Assert.Empty(_worker.Faults);
    }

    [Fact]
    public async Task Put_DuringARebalance_IsTriedAgain()
    {
        _worker.Then("create_conflict_409", "PUT", "/connectors/json/config").Then("put_config_update_200");
        using var client = Client("json");
        await client.PutAsync(new Dictionary<string, string> { ["a"] = "b" }, default);
        Assert.Equal("""{"a":"b"}""", _worker.Requests[1].Body);
    }

    [Theory]
    [InlineData("create_400_connection_refused", "Connection to 127.0.0.1:1 refused")]
    [InlineData("create_no_config", "(500)")]
    public async Task Put_Refused_TellsWhyWithoutThePassword(string exchange, string says)
    {
        _worker.Then(exchange, "PUT", "/connectors/bad/config").Answer("PUT", "/connectors/bad/config", 400, """{"error_code":400,"message":"Cannot log in with hunter2"}""");
        using var client = Client("bad");
        var config = new Dictionary<string, string> { ["database.password"] = "hunter2" };
        Assert.Contains(says, (await Assert.ThrowsAsync<ConnectException>(() => client.PutAsync(config, default))).Message, StringComparison.Ordinal);
        Assert.Contains("Cannot log in with …", (await Assert.ThrowsAsync<ConnectException>(() => client.PutAsync(config, default))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_NobodyThere_FailsAfterABoundedWait()
    {
        _worker.Dispose();
        using var client = new ConnectClient(new Uri(_worker.Url), "x", null, new LeapingTime());
        var error = await Assert.ThrowsAsync<ConnectException>(() => client.StatusAsync(default));
        Assert.Contains("for 60 s", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_OfAnotherProgram_IsNamed()
    {
        _worker.Answer("GET", "/connectors/x/status", 200, "<html>");
        using var client = Client("x");
        Assert.Contains("no answer of Kafka Connect", (await Assert.ThrowsAsync<ConnectException>(() => client.StatusAsync(default))).Message, StringComparison.Ordinal);
    }

    private ConnectClient Client(string name) => new(new Uri(_worker.Url), name, null, new LeapingTime());

    /// <summary>Waits take no time, and the clock has moved by them.</summary>
    private sealed class LeapingTime : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Read(ref _ticks);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Interlocked.Add(ref _ticks, Math.Max(0, dueTime.Ticks));
            return System.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }
}
