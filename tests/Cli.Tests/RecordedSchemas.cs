namespace FeatureStore.Cli.Tests;

/// <summary>Schemas of the views that Feast was recorded with, as lines below a view's <c>schema:</c>.</summary>
internal static class RecordedSchemas
{
    public const string Weekly =
        """
              - {name: num_transactions_l1w, dtype: Int64}
              - {name: total_amount_l1w, dtype: Float64}
              - {name: avg_amount_l1w, dtype: Float64}
              - {name: min_amount_l1w, dtype: Float64}
              - {name: max_amount_l1w, dtype: Float64}
              - {name: num_vendors_l1w, dtype: Int64}
              - {name: num_sources_l1w, dtype: Int64}
        """;
}
