using System.Runtime.InteropServices;
using System.Text.Json;

namespace FeatureStore.Training.XGBoost;

/// <summary>A model that is being trained. For one thread at a time.</summary>
internal sealed class XgbBooster : IDisposable
{
    private nint _handle;

    private XgbBooster(nint handle) => _handle = handle;

    private nint Handle => _handle != 0 ? _handle : throw new ObjectDisposedException(nameof(XgbBooster));

    /// <summary>Trains round after round; the same rows, parameters and rounds give the same model, to the byte.</summary>
    public static XgbBooster Train(XgbMatrix matrix, IEnumerable<(string Name, string Value)> parameters, int rounds, CancellationToken cancellationToken)
    {
        XgbLibrary.Check(NativeXgb.BoosterCreate([matrix.Handle], 1, out var handle), "begin");
        var booster = new XgbBooster(handle);
        try
        {
            foreach (var (name, value) in parameters)
            {
                XgbLibrary.Check(NativeXgb.BoosterSet(handle, name, value), $"take the parameter {name}");
            }

            for (var round = 0; round < rounds; round++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                XgbLibrary.Check(NativeXgb.BoosterUpdate(handle, round, matrix.Handle), $"train round {round}");
            }

            return booster;
        }
        catch
        {
            booster.Dispose();
            throw;
        }
    }

    /// <summary>The model as a UBJ file.</summary>
    public byte[] Save()
    {
        XgbLibrary.Check(NativeXgb.BoosterSave(Handle, """{"format":"ubj"}""", out var size, out var bytes), "save the model");
        var copy = new byte[checked((int)size)];
        Marshal.Copy(bytes, copy, 0, copy.Length);
        return copy;
    }

    /// <summary>A prediction per row, as the objective gives it.</summary>
    public float[] Predict(XgbMatrix matrix)
    {
        const string Config = """{"type":0,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":false}""";
        XgbLibrary.Check(NativeXgb.BoosterPredict(Handle, matrix.Handle, Config, out _, out _, out var values), "predict");
        var predictions = new float[matrix.Rows];
        if (values != 0)
        {
            Marshal.Copy(values, predictions, 0, predictions.Length);
        }

        return predictions;
    }

    /// <summary>What the splits on each feature gained, all together; a feature without a split is not in it.</summary>
    public IReadOnlyDictionary<string, double> Gains(string[] features)
    {
        var config = JsonSerializer.Serialize(new { importance_type = "total_gain", feature_names = features });
        XgbLibrary.Check(NativeXgb.BoosterImportance(Handle, config, out var count, out var names, out _, out _, out var scores), "tell the features' importance");
        var gains = new float[checked((int)count)];
        if (gains.Length > 0)
        {
            Marshal.Copy(scores, gains, 0, gains.Length);
        }

        return Enumerable.Range(0, gains.Length).ToDictionary(i => Marshal.PtrToStringUTF8(Marshal.ReadIntPtr(names, i * nint.Size)) ?? string.Empty, i => (double)gains[i]);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _handle, 0) is not 0 and var handle)
        {
            NativeXgb.BoosterFree(handle);
        }
    }
}
