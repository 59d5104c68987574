namespace FeatureStore.Cli.Output;

/// <summary>How far a step is.</summary>
/// <param name="Total">What will be done in all; null when that is not known beforehand.</param>
/// <param name="Unit">What is counted, in the plural.</param>
internal readonly record struct Amount(long Done, long? Total, string Unit);
