namespace FeatureStore.Registry.Expressions;

/// <summary>Seconds since the epoch that a timestamp can be: the years 1 to 9999.</summary>
public static class TimeRange
{
    /// <summary>The first second of the year 1.</summary>
    public const long Least = -62_135_596_800;

    /// <summary>The last second of the year 9999.</summary>
    public const long Greatest = 253_402_300_799;
}

/// <summary>What every engine has to know of texts.</summary>
public static class TextLimits
{
    /// <summary>Most bytes, in UTF-8, of a text that is put together; a longer one is null.</summary>
    public const int BytesMax = 1_048_576;

    /// <summary>What trim takes off.</summary>
    public const string Blanks = " \t\n\r";
}
