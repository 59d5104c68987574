using System.Diagnostics;
using System.Diagnostics.Tracing;
using System.Globalization;

namespace FeatureStore.Tests.Faults;

/// <summary>Listens to the steps that a process tells and kills it at one, on the thread that takes the step.</summary>
internal sealed class FaultListener : EventListener
{
    private readonly string? _source;
    private readonly string _step;
    private readonly List<EventSource> _early = [];
    private int _left;

    /// <param name="fault"><c>source/step/times</c>: FeatureStore-Lake/CommitReady/2 ends the process at its second commit.</param>
    public FaultListener(string fault)
    {
        var parts = fault.Split('/');
        (_step, _left) = (parts[1], int.Parse(parts[2], CultureInfo.InvariantCulture));
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
            Process.GetCurrentProcess().Kill();
            Thread.CurrentThread.Join();
        }
    }

    private void Listen(EventSource source)
    {
        if (source.Name == _source)
        {
            EnableEvents(source, EventLevel.LogAlways);
        }
    }
}
