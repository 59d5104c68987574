using Quartz;

namespace FeatureStore.Jobs.Schedule;

/// <summary>
/// The times of a cron expression in a time zone. A time that the clocks skip fires when they have moved, and one that comes twice fires the first time,
/// so that a daily flow runs once each day.
/// </summary>
public sealed class FlowCalendar
{
    private const int UnixFields = 5;
    private readonly CronExpression _cron;

    private FlowCalendar(string text, CronExpression cron) => (Text, _cron) = (text, cron);

    /// <summary>The expression as it was written.</summary>
    public string Text { get; }

    public TimeZoneInfo Zone => _cron.TimeZone;

    /// <summary>The expression with seconds, as Quartz writes it.</summary>
    internal CronExpression Cron => _cron;

    /// <summary>Reads five fields as crontab does, or six and seven as Quartz does.</summary>
    /// <exception cref="FormatException">The expression or the zone is none, or no time ever matches; the message says which.</exception>
    public static FlowCalendar Parse(string cron, string zone)
    {
        ArgumentNullException.ThrowIfNull(cron);
        ArgumentNullException.ThrowIfNull(zone);
        var fields = cron.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
        try
        {
            var expression = CronExpression.Parse(cron, fields == UnixFields ? CronFormat.Unix : CronFormat.Quartz).WithTimeZone(TimeZoneInfo.FindSystemTimeZoneById(zone));
            return new FlowCalendar(cron, expression);
        }
        catch (FormatException e)
        {
            throw new FormatException($"'{cron}' is no cron expression ({e.Message.TrimEnd('.')}); write five fields as in crontab, for instance '30 2 * * *'.", e);
        }
        catch (Exception e) when (e is TimeZoneNotFoundException or InvalidTimeZoneException or System.Security.SecurityException)
        {
            throw new FormatException($"'{zone}' is no time zone of this machine; write one of the IANA names, for instance UTC or Europe/Prague.", e);
        }
    }

    /// <summary>The first time after another, or null if none comes.</summary>
    public DateTimeOffset? After(DateTimeOffset time) => _cron.GetNextValidTimeAfter(time)?.ToUniversalTime();

    /// <summary>The last time before another, or null if there was none.</summary>
    public DateTimeOffset? Before(DateTimeOffset time) => _cron.GetPreviousValidTimeBefore(time)?.ToUniversalTime();

    /// <summary>The last time at or before another.</summary>
    public DateTimeOffset? AtOrBefore(DateTimeOffset time) => Before(Second(time).AddSeconds(1));

    /// <summary>The last interval that ended at or before a time.</summary>
    public DataInterval? LastEnded(DateTimeOffset now) =>
        AtOrBefore(now) is { } end && Before(end) is { } start ? new DataInterval(start, end) : null;

    /// <summary>Intervals whose logical dates lie in a range, both ends inclusive, oldest first, as far as they have ended.</summary>
    public IEnumerable<DataInterval> Between(DateTimeOffset first, DateTimeOffset last, DateTimeOffset now)
    {
        // A search goes on from a second to the next, so this finds a time at the first too.
        for (var start = After(Second(first).AddSeconds(first == Second(first) ? -1 : 0)); start is { } from && from <= last; start = After(from))
        {
            if (After(from) is not { } end || end > now)
            {
                yield break;
            }

            yield return new DataInterval(from, end);
        }
    }

    private static DateTimeOffset Second(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero);
}
