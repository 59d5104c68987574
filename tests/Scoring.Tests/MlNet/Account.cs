using Microsoft.ML.Data;

namespace FeatureStore.Scoring.Tests.MlNet;

/// <summary>A week of one account, and the rows that ML.NET is trained on: features under their names in the store, and a label.</summary>
internal sealed record Account(float Total, int Vendors, float Average)
{
    private float Size => Total + (Vendors * 10) + (float.IsNaN(Average) ? 0 : Average);

    public BinaryRow Binary() => new() { Total = Total, Vendors = Vendors, Average = Average, Label = Size > 90 };

    public RegressionRow Regression() => new() { Total = Total, Vendors = Vendors, Average = Average, Label = Size };

    public MulticlassRow Multiclass() => new() { Total = Total, Vendors = Vendors, Average = Average, Kind = Size > 120 ? "large" : Size > 70 ? "middle" : "small" };
}

internal class FeatureRow
{
    [ColumnName("total_amount_l1w")]
    public float Total { get; set; }

    [ColumnName("num_vendors_l1w")]
    public float Vendors { get; set; }

    [ColumnName("avg_amount_l1w")]
    public float Average { get; set; }
}

internal sealed class BinaryRow : FeatureRow
{
    public bool Label { get; set; }
}

internal sealed class RegressionRow : FeatureRow
{
    public float Label { get; set; }
}

internal sealed class MulticlassRow : FeatureRow
{
    public string Kind { get; set; } = string.Empty;
}
