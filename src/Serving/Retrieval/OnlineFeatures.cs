using Feast.Serving;
using FeatureStore.OnlineStore;

namespace FeatureStore.Serving.Retrieval;

/// <summary>One feature column of an answer: a view over what the store gave, without a copy.</summary>
/// <param name="Reads">What the store gave per distinct key.</param>
/// <param name="KeyOfRow">Which key each row has.</param>
/// <param name="Feature">The feature's place among the values of a read.</param>
/// <param name="Statuses">One per row.</param>
public readonly record struct FeatureColumn(string Name, OnlineRead[] Reads, int[] KeyOfRow, int Feature, FieldStatus[] Statuses)
{
    /// <summary>Stored bytes of the row's value; none for null and for what is absent.</summary>
    public ReadOnlySpan<byte> Value(int row) => Reads[KeyOfRow[row]].Values.Bytes(Feature);

    /// <summary>Time of the stored row, microseconds since the epoch; 0 for none.</summary>
    public long EventTimeMicros(int row) => Reads[KeyOfRow[row]].EventTimeMicros ?? 0;
}

/// <summary>An answer: entity columns in the request's order, always PRESENT and without a time, then the plan's features.</summary>
/// <param name="Plan">What was asked for.</param>
public sealed record OnlineFeatures(RetrievalPlan Plan, int Rows, IReadOnlyList<EntityColumn> Entities, FeatureColumn[] Features)
{
    public int ColumnCount => Entities.Count + Features.Length;
}
