namespace FeatureStore.Training.XGBoost;

/// <summary>Rows in XGBoost's own memory.</summary>
internal sealed class XgbMatrix : IDisposable
{
    private nint _handle;

    private XgbMatrix(nint handle, int rows)
    {
        _handle = handle;
        Rows = rows;
    }

    public int Rows { get; }

    public nint Handle => _handle != 0 ? _handle : throw new ObjectDisposedException(nameof(XgbMatrix));

    /// <param name="values">Row after row; NaN is absent. Copied.</param>
    public static XgbMatrix Of(ReadOnlySpan<float> values, string[] features, ReadOnlySpan<float> labels)
    {
        XgbLibrary.Ensure();
        var rows = values.Length / features.Length;
        XgbLibrary.Check(NativeXgb.MatrixCreate(values, (ulong)rows, (ulong)features.Length, float.NaN, out var handle), "take the rows");
        var matrix = new XgbMatrix(handle, rows);
        try
        {
            XgbLibrary.Check(NativeXgb.MatrixSetFloats(handle, "label", labels, (ulong)labels.Length), "take the labels");
            XgbLibrary.Check(NativeXgb.MatrixSetTexts(handle, "feature_name", features, (ulong)features.Length), "take the names of the features");
            return matrix;
        }
        catch
        {
            matrix.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _handle, 0) is not 0 and var handle)
        {
            NativeXgb.MatrixFree(handle);
        }
    }
}
