using System.Diagnostics.Tracing;
using System.Globalization;
using System.Runtime.InteropServices;

namespace FeatureStore.Tests.Faults;

/// <summary>Listens to the steps that a process tells and kills or stops it at one, on the thread that takes the step.</summary>
internal sealed partial class FaultListener : EventListener
{
    // Of signal.h on Linux.
    private const int SigKill = 9;
    private const int SigStop = 19;

    private readonly int _signal;
    private readonly string? _source;
    private readonly string _step;
    private readonly List<EventSource> _early = [];
    private int _left;

    /// <param name="fault"><c>source/step/times</c>: FeatureStore-Lake/CommitReady/2 ends the process at its second commit. With a fourth part, <c>stop</c>, it stands still from there until it is told to go on.</param>
    public FaultListener(string fault)
    {
        var parts = fault.Split('/');
        (_step, _left, _signal) = (parts[1], int.Parse(parts[2], CultureInfo.InvariantCulture), parts.ElementAtOrDefault(3) == "stop" ? SigStop : SigKill);
        lock (_early)
        {
            _source = parts[0];
            _early.ForEach(Listen);
        }
    }

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        lock (_early)
        {
            // The base class tells of sources that are there already before the constructor's own lines run.
            if (_source is null)
            {
                _early.Add(eventSource);
            }
            else
            {
                Listen(eventSource);
            }
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventName == _step && Interlocked.Decrement(ref _left) == 0)
        {
            Marshal.ThrowExceptionForHR(Kill(Environment.ProcessId, _signal));
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    private void Listen(EventSource source)
    {
        if (source.Name == _source)
        {
            EnableEvents(source, EventLevel.LogAlways);
        }
    }
}
