using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Import;

/// <summary>What an import fills: its topic, its columns, and which of them are the key and the event time.</summary>
public sealed record ImportTable(string Name, string Topic, IReadOnlyList<LakeColumn> Columns, string KeyColumn, string TimeColumn)
{
    /// <summary>The transactions of the bank example.</summary>
    public static ImportTable Transactions { get; } = new(
        "transactions",
        "bank.public.transactions",
        [
            new("user_id", LakeType.String), new("transaction_id", LakeType.String), new("amount", LakeType.Double),
            new("vendor", LakeType.String), new("sources", LakeType.String), new("time", LakeType.Timestamp),
        ],
        "transaction_id",
        "time");

    internal int IndexOf(string column)
    {
        for (var i = 0; i < Columns.Count; i++)
        {
            if (Columns[i].Name == column)
            {
                return i;
            }
        }

        throw new ArgumentException($"The table {Name} has no column '{column}'.", nameof(column));
    }
}

/// <summary>A source file cannot be imported; the message names file, line, column and the way out.</summary>
public sealed class ImportException(string message, Exception? cause = null) : Exception(message, cause);
