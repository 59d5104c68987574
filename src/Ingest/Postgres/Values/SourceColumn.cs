namespace FeatureStore.Ingest.Postgres.Values;

/// <summary>A column of a source table, as pgoutput and the catalogue tell it.</summary>
/// <param name="TypeId">OID of the type, of a domain that of the type under it (<see cref="PgTypes.Resolved"/>).</param>
/// <param name="Modifier">The type's modifier, -1 for none.</param>
internal sealed record SourceColumn(string Name, uint TypeId, int Modifier, bool IsKey)
{
    private const int NumericHeader = 4; // PostgreSQL adds it to the modifier of numeric.
    private const int MoneyScale = 2;
    private const int MillisecondDigits = 3;
    private const int MicrosecondDigits = 6;

    /// <summary>Digits after the point of a numeric with a declared scale, and of money; null for others.</summary>
    public int? Scale => TypeId switch
    {
        PgTypes.Numeric when Modifier >= NumericHeader => (short)((((Modifier - NumericHeader) & 0x7ff) ^ 1024) - 1024),
        PgTypes.Money => MoneyScale,
        _ => null,
    };

    /// <summary>True for a time or timestamp that Debezium counts in milliseconds.</summary>
    public bool IsMillis => TypeId is PgTypes.Timestamp or PgTypes.Time && Modifier is >= 0 and <= MillisecondDigits;

    /// <summary>Digits of a second.</summary>
    public int TimeDigits => Modifier is >= 0 and <= MicrosecondDigits ? Modifier : MicrosecondDigits;
}
