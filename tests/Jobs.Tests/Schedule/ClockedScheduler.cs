using System.Collections.Concurrent;
using FeatureStore.Jobs.Schedule;

namespace FeatureStore.Jobs.Tests.Schedule;

/// <summary>A whole scheduler, Quartz and its store included, on a clock that only the test moves. While the test does not, it is as a process that is stopped.</summary>
internal sealed class ClockedScheduler : IAsyncDisposable
{
    // How often a scheduler looks, at work and in waiting; so the clock never runs ahead of what is really done.
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _lines = [];
    private readonly SemaphoreSlim _news = new(0);
    private readonly SteppedTime _time;
    private readonly Task _work;

    /// <param name="time">The clock of the room.</param>
    public ClockedScheduler(FlowRoom room, SteppedTime time)
    {
        _time = time;
        var store = TriggerStore.Sqlite(Path.Combine(Path.GetDirectoryName(room.RunsPath)!, "quartz.db"));
        _work = Task.Run(() => new FlowScheduler(room, store, Note).RunAsync(_stop.Token));
    }

    public string Text => string.Join('\n', _lines);

    /// <summary>Waits for a line while the clock stands.</summary>
    public async Task SawAsync(string text)
    {
        while (Count(text) == 0)
        {
            Assert.True(await _news.WaitAsync(Patience), $"'{text}' did not come:\n{Text}");
        }
    }

    /// <summary>Moves the clock, a second at a time and only while the scheduler waits, until something is so.</summary>
    /// <returns>How far it was moved.</returns>
    public async Task<TimeSpan> UntilAsync(Func<bool> isSo)
    {
        var began = _time.Now;
        using var patience = new CancellationTokenSource(Patience);
        while (!isSo())
        {
            Assert.False(_work.IsCompleted, Text);
            await StepAsync(patience.Token);
        }

        return _time.Now - began;
    }

    /// <summary>Lets the scheduler look so many times, a second of its clock apart.</summary>
    public async Task LooksAsync(int times)
    {
        using var patience = new CancellationTokenSource(Patience);
        for (var i = 0; i < times; i++)
        {
            await StepAsync(patience.Token);
        }
    }

    /// <summary>How many of its lines hold a text.</summary>
    public int Count(string text) => _lines.Count(l => l.Contains(text, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _work.WaitAsync(Patience);
        _stop.Dispose();
        _news.Dispose();
    }

    private void Note(string line)
    {
        _lines.Enqueue(line);
        _news.Release();
    }

    private async Task StepAsync(CancellationToken patience)
    {
        try
        {
            await _time.ArmedAsync(Poll).WaitAsync(patience);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"It did not come within {Patience}:\n{Text}");
        }

        _time.Now += Poll;
    }
}
