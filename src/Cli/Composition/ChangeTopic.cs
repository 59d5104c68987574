using FeatureStore.Ingest;
using FeatureStore.Ingest.Import;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Cli.Composition;

/// <summary>A topic of the change log and the change table that it lands in.</summary>
/// <param name="LakePath">Path of the change table below the lake.</param>
/// <param name="KeyColumns">The row's key columns, from which a message without that key gets it; none if rows have no key, null to take the message key as it is.</param>
internal sealed record ChangeTopic(ImportTable Table, string LakePath, IReadOnlyList<string>? KeyColumns)
{
    /// <summary>Every topic of the example.</summary>
    public static IReadOnlyList<ChangeTopic> All { get; } =
    [
        new(ImportTable.Transactions, "cdc/transactions", [ImportTable.Transactions.KeyColumn]),
        new(ImportTable.Customers, "demographic/customers", [ImportTable.Customers.KeyColumn]),
    ];

    /// <summary>Whose nulls are told: rows without it are in no window.</summary>
    public const string UserColumn = "user_id";

    /// <summary>The change table.</summary>
    public ChangeTable Lake(Repo repo) => ChangeTable.Open(repo.Lake, LakePath, Table.Columns, LakeOptions.Read(repo.Config));
}

/// <summary>What an ingest landed in one change table.</summary>
internal sealed record TopicResult(string Table, IngestResult Landed);

/// <summary>What an ingest did.</summary>
/// <param name="Undeclared">Topics of the log that no table is declared for, with their messages; they stay in the log.</param>
internal sealed record IngestOutcome(IReadOnlyList<TopicResult> Tables, IReadOnlyList<(string Topic, long Messages)> Undeclared);
