using FeatureStore.Contract.Rows;
using FeatureStore.Jobs.Materialize;
using FeatureStore.Jobs.Runs;
using FeatureStore.OnlineStore;

namespace FeatureStore.Jobs.Tests.Materialize;

public sealed class MaterializeJobTests : IDisposable
{
    private static readonly OnlineTable Table = new("bank", "weekly", ["count"]);
    private readonly string _folder = Directory.CreateTempSubdirectory("job").FullName;
    private readonly SteppedTime _time = new();
    private readonly RunFile _file;
    private readonly Leases _leases;
    private readonly RunHistory _history;
    private int _noted;

    public MaterializeJobTests()
    {
        _file = RunFile.Open(Path.Combine(_folder, "runs.db"));
        _leases = new Leases(_file, _time, MaterializeJob.LeaseDuration);
        _history = new RunHistory(_file, _time);
    }

    public void Dispose()
    {
        _file.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Run_ToItsEnd_NotesTheRangeAfterTheRowsAndLeavesTheLeaseFree()
    {
        await using var store = new InMemoryOnlineStore();
        var counts = await RunAsync(store, [[Row(1)], [Row(2)]]);
        Assert.Equal(new MaterializeCounts(2, 2, 0), counts);
        Assert.Equal(1, _noted);
        var run = _history.List("bank", "weekly", 10).Single();
        Assert.Equal((RunState.Done, 2L, 7L, _time.Now.AddDays(-1), _time.Now), (run.State, run.RowsWritten, run.TableVersion!.Value, run.Start!.Value, run.End!.Value));
        Assert.NotNull(_leases.TryAcquire("materialize bank/weekly", "another", out _));
    }

    [Fact]
    public async Task Run_WhileAnotherHoldsTheLease_IsRefusedAndWritesNothing()
    {
        await using var store = new InMemoryOnlineStore();
        _leases.TryAcquire("materialize bank/weekly", "another", out _);
        var refusal = await Assert.ThrowsAsync<JobBusyException>(() => RunAsync(store, [[Row(1)]]));
        Assert.Contains("another", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(store.Rows);
        Assert.Empty(_history.List("bank", null, 10));
        Assert.Equal(0, _noted);
    }

    [Fact]
    public async Task Run_StoppedPastItsLeaseAndTakenOver_WritesNoFurtherBatchAndNotesNothing()
    {
        await using var store = new InMemoryOnlineStore();
        IEnumerable<IReadOnlyList<EncodedRow>> Paused()
        {
            yield return [Row(1)];
            _time.Now += MaterializeJob.LeaseDuration;
            Assert.NotNull(_leases.TryAcquire("materialize bank/weekly", "another", out _));
            yield return [Row(2)];
        }

        await Assert.ThrowsAsync<JobBusyException>(() => RunAsync(store, Paused()));
        Assert.Single(store.Rows);
        Assert.Equal(0, _noted);
        Assert.Equal(RunState.Failed, _history.List("bank", "weekly", 1)[0].State);
        Assert.Null(_leases.TryAcquire("materialize bank/weekly", "third", out var holder));
        Assert.Equal("another", holder!.Owner);
    }

    [Fact]
    public async Task Run_ThatFails_NotesNoRangeAndTheNextRunsWhole()
    {
        await using var store = new InMemoryOnlineStore();
        IEnumerable<IReadOnlyList<EncodedRow>> Broken()
        {
            yield return [Row(1)];
            throw new InvalidDataException("broken");
        }

        await Assert.ThrowsAsync<InvalidDataException>(() => RunAsync(store, Broken()));
        Assert.Equal(0, _noted);
        Assert.Equal("InvalidDataException", _history.List("bank", "weekly", 1)[0].Error);
        await RunAsync(store, [[Row(1)], [Row(2)]]);
        Assert.Equal((1, 2), (_noted, store.Rows.Count));
    }

    [Fact]
    public async Task Run_WithALostFileOfRuns_RaisesItsFenceAboveTheStores()
    {
        await using var store = new InMemoryOnlineStore();
        await store.RaiseFenceAsync(Table, 40, CancellationToken.None);
        await RunAsync(store, [[Row(1)]]);
        Assert.Equal(41, store.Fences[("bank", "weekly")]);
        Assert.Equal(41, _history.List("bank", "weekly", 1)[0].Fence);
        await RunAsync(store, [[Row(1)]]);
        Assert.Equal(42, store.Fences[("bank", "weekly")]);
    }

    [Fact]
    public async Task Run_WhoseFenceWasPassedInTheStoreDuringABatch_WritesNothingMore()
    {
        await using var store = new InMemoryOnlineStore();
        IEnumerable<IReadOnlyList<EncodedRow>> Paused()
        {
            yield return [Row(1)];
            store.Fences[("bank", "weekly")] += 1;
            yield return [Row(2)];
        }

        await Assert.ThrowsAsync<JobBusyException>(() => RunAsync(store, Paused()));
        Assert.Equal((1, 0), (store.Rows.Count, _noted));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_WhileTheStoreIsEmptied_NotesNothing(bool afterTheLastBatch)
    {
        await using var store = new InMemoryOnlineStore();
        IEnumerable<IReadOnlyList<EncodedRow>> Emptied()
        {
            yield return [Row(1)];
            store.Empty();
            if (!afterTheLastBatch)
            {
                yield return [Row(2)];
            }
        }

        var lost = await Assert.ThrowsAsync<FenceLostException>(() => RunAsync(store, Emptied()));
        Assert.Null(lost.Standing);
        Assert.Equal((0, RunState.Failed), (_noted, _history.List("bank", "weekly", 1)[0].State));
        await RunAsync(store, [[Row(1)], [Row(2)]]);
        Assert.Equal((2, 1), (store.Rows.Count, _noted));
    }

    [Fact]
    public async Task Run_AfterAHolderWhoseProcessIsGone_DoesNotWaitForItsLease()
    {
        await using var store = new InMemoryOnlineStore();
        using var ended = System.Diagnostics.Process.Start("true")!;
        await ended.WaitForExitAsync();
        _leases.TryAcquire("materialize bank/weekly", $"{Environment.MachineName}:{ended.Id}:killed", out _);
        await RunAsync(store, [[Row(1)]]);
        Assert.Equal(1, _noted);
    }

    [Fact]
    public async Task Run_BesideAHolderOfAnotherMachineOrALivingProcess_IsRefused()
    {
        await using var store = new InMemoryOnlineStore();
        foreach (var owner in new[] { $"{Environment.MachineName}:{Environment.ProcessId}:lives", "elsewhere:1:unknown", "no form at all" })
        {
            var lease = _leases.TryAcquire("materialize bank/weekly", owner, out _);
            await Assert.ThrowsAsync<JobBusyException>(() => RunAsync(store, [[Row(1)]]));
            _leases.Release(lease!);
        }
    }

    [Fact]
    public async Task Run_ThatTakesLong_NotesHowFarItIs()
    {
        await using var store = new InMemoryOnlineStore();
        var seen = new List<long>();
        IEnumerable<IReadOnlyList<EncodedRow>> Slow()
        {
            yield return [Row(1)];
            yield return [Row(2)];
            _time.Now += TimeSpan.FromSeconds(3);
            yield return [Row(3)];
            seen.Add(_history.List("bank", "weekly", 1)[0].RowsWritten);
        }

        await RunAsync(store, Slow());
        Assert.Equal([2], seen);
    }

    private static EncodedRow Row(byte key) => new([key], 100_000_000, null, [[32, 1]]);

    private Task<MaterializeCounts> RunAsync(IOnlineStore store, IEnumerable<IReadOnlyList<EncodedRow>> batches) => new MaterializeJob(store, _leases, _history, _time).RunAsync(
        Table, new MaterializeInput(MaterializeRange.Between(_time.Now.AddDays(-1), _time.Now, _time.Now), batches, 7), () => _noted++, null, CancellationToken.None);
}
