namespace FeatureStore.Scoring.Models;

/// <summary>What a model file may ask for at most. The defaults hold every model that ML.NET, scikit-learn, LightGBM and XGBoost write for tables of features.</summary>
public sealed record ModelLimits
{
    public static ModelLimits Default { get; } = new();

    /// <summary>Bytes of the model file and its external data together.</summary>
    public long FileBytesMax { get; init; } = 256L << 20;

    /// <summary>Nodes of all graphs of a file.</summary>
    public int GraphNodesMax { get; init; } = 20_000;

    /// <summary>Graphs inside graphs.</summary>
    public int GraphDepthMax { get; init; } = 8;

    /// <summary>Inputs and outputs of the model, each.</summary>
    public int PortsMax { get; init; } = 4_096;

    /// <summary>Trees of an ensemble.</summary>
    public int TreesMax { get; init; } = 100_000;

    /// <summary>Nodes of all trees of an ensemble.</summary>
    public int TreeNodesMax { get; init; } = 20_000_000;

    /// <summary>Splits from the root of a tree to its deepest leaf.</summary>
    public int TreeDepthMax { get; init; } = 1_000;

    /// <summary>Rows of one call.</summary>
    public int RowsMax { get; init; } = 100_000;
}
