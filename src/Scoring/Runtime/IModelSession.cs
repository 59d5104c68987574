using FeatureStore.Scoring.Models;

namespace FeatureStore.Scoring.Runtime;

/// <summary>A loaded model. The one edge to the native runtime: all above it sees tensors, all below it sees ONNX Runtime. Safe from many threads.</summary>
public interface IModelSession : IDisposable
{
    ModelSignature Signature { get; }

    /// <summary>Runs the model on one batch. Inputs are bound by name and checked first; nothing is ever cast.</summary>
    /// <param name="outputs">Names of the outputs wanted, each once.</param>
    /// <param name="cancellationToken">Stops the run between two nodes of the graph.</param>
    /// <returns>The outputs in the order asked for; their shapes are those of the values, not of the declaration.</returns>
    /// <exception cref="ScoreRequestException">A name, type, rank, width or row count does not fit, or the run failed.</exception>
    Tensor[] Run(ReadOnlySpan<Tensor> inputs, IReadOnlyList<string> outputs, CancellationToken cancellationToken = default);
}

/// <summary>A call that a good model cannot answer as it was made.</summary>
public sealed class ScoreRequestException(string message, Exception? cause = null) : Exception(message, cause);
