namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>
/// Times as text, in SQL. DuckDB's own cast of text to an instant is not used for a text that names a zone: it then reads later rows without one in
/// that zone.
/// </summary>
internal static class ZonedText
{
    // What follows the time of day: Z, an offset, or a name as Europe/Berlin.
    private const string Pattern = @"\d:\d{2}(?::\d{2}(?:\.\d+)?)?\s*([Zz]|[+-]\d{2}(?::?\d{2}){0,2}|[A-Za-z_]+(?:/[A-Za-z0-9_+-]+)*)$";

    /// <summary>The zone that a text names, empty for none.</summary>
    public static string Zone(string cell) => $"regexp_extract({cell}, '{Pattern}', 1)";

    /// <summary>True for a zone by name, which is looked up.</summary>
    public static string IsNamed(string zone) => $"regexp_full_match({zone}, '[A-Za-z_]{{2,}}.*')";

    /// <summary>Microseconds since the epoch, null for what is no time; a time without a zone is UTC. A named zone must exist.</summary>
    public static string Micros(string cell) => $"""
        CASE WHEN {Zone(cell)} = '' THEN epoch_us(TRY_CAST({cell} AS TIMESTAMP))
            WHEN {IsNamed(Zone(cell))} THEN epoch_us(timezone({Zone(cell)}, TRY_CAST(trim(left({cell}, length({cell}) - length({Zone(cell)}))) AS TIMESTAMP)))
            ELSE epoch_us(TRY_CAST({cell} AS TIMESTAMPTZ)) END
        """;
}
