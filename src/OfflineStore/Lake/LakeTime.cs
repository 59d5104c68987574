namespace FeatureStore.OfflineStore.Lake;

/// <summary>Instants the lake's texts can say, microseconds since the epoch: years 1 to 9999.</summary>
internal static class LakeTime
{
    public const long Least = -62_135_596_800_000_000;
    public const long Greatest = 253_402_300_799_999_999;
}
