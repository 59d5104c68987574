namespace FeatureStore.OfflineStore.Tests.Lake.Upkeep;

/// <summary>A clock that goes on only when told.</summary>
internal sealed class TestClock(DateTimeOffset now) : TimeProvider
{
    public DateTimeOffset Now { get; set; } = now;

    public override DateTimeOffset GetUtcNow() => Now;
}
