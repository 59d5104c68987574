namespace FeatureStore.Serving.Tests;

internal sealed class FixedTime : TimeProvider
{
    public DateTimeOffset Now { get; set; }

    public override DateTimeOffset GetUtcNow() => Now;
}
