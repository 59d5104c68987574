namespace FeatureStore.Generator;

/// <summary>One user's demographics; <see cref="DayStart"/> 00:00 UTC is the event time.</summary>
public sealed record CustomerRow(string UserId, int Age, string Gender, string Location, string Occupation, DateOnly DayStart);

/// <summary>One transaction.</summary>
/// <param name="Amount">Positive, whole cents.</param>
/// <param name="Vendor">Null where there is no counterparty.</param>
/// <param name="TimeMicros">When it happened, microseconds since the epoch, UTC.</param>
public sealed record TransactionRow(string UserId, string TransactionId, double Amount, string? Vendor, string Sources, long TimeMicros);

/// <summary>What happened to a transaction.</summary>
public enum ChangeKind
{
    /// <summary>It is there from now on.</summary>
    Create,

    /// <summary>It has other values from now on.</summary>
    Update,

    /// <summary>It is gone; the row is the last it was.</summary>
    Delete,
}

/// <summary>A change as the source database would commit it.</summary>
/// <param name="CommitMicros">When it was committed, microseconds since the epoch, UTC; never before the row's time.</param>
public sealed record TransactionChange(ChangeKind Kind, long CommitMicros, TransactionRow Row);
