namespace FeatureStore.Contract.Rows;

/// <summary>
/// One row of a feature view as the online store keeps it: the entity key's bytes, the row's times, and one
/// serialized <c>feast.types.Value</c> per feature, in the order of the table's features.
/// </summary>
/// <param name="EntityKey">Entity key bytes in the configured serialization version, without the project.</param>
/// <param name="EventTimeMicros">Event timestamp, microseconds since 1970-01-01T00:00:00Z.</param>
/// <param name="CreatedTimeMicros">Created timestamp in the same unit, or null where the source has none.</param>
/// <param name="Values">One entry per feature; an empty array is Feast's stored null.</param>
public sealed record EncodedRow(byte[] EntityKey, long EventTimeMicros, long? CreatedTimeMicros, byte[][] Values);
