namespace FeatureStore.Registry.Tests;

/// <summary>A clock that stands until it is moved; its stopwatch runs on, so that waits end.</summary>
internal sealed class FixedTime(DateTimeOffset now) : TimeProvider
{
    public DateTimeOffset Now { get; set; } = now;

    public override DateTimeOffset GetUtcNow() => Now;
}
