using FeatureStore.Ingest;
using FeatureStore.Ingest.Import;

namespace FeatureStore.Cli.Composition;

/// <summary>A topic of the change log and the change table that it lands in.</summary>
/// <param name="LakePath">Path of the change table below the lake.</param>
internal sealed record ChangeTopic(ImportTable Table, string LakePath)
{
    /// <summary>Every topic of the example.</summary>
    public static IReadOnlyList<ChangeTopic> All { get; } =
    [
        new(ImportTable.Transactions, "cdc/transactions"),
        new(ImportTable.Customers, "demographic/customers"),
    ];
}

/// <summary>What an ingest landed in one change table.</summary>
internal sealed record TopicResult(string Table, IngestResult Landed);
