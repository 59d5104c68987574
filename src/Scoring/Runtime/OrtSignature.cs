using FeatureStore.Scoring.Models;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace FeatureStore.Scoring.Runtime;

/// <summary>Reads a session's inputs, outputs and metadata once, when it is loaded.</summary>
internal static class OrtSignature
{
    /// <exception cref="ModelRefusedException">An input or output is no tensor of a supported type, or there are too many.</exception>
    public static ModelSignature Read(InferenceSession session, ModelLimits limits, string producer)
    {
        if (session.InputMetadata.Count > limits.PortsMax || session.OutputMetadata.Count > limits.PortsMax)
        {
            throw new ModelRefusedException($"The model has {session.InputMetadata.Count} inputs and {session.OutputMetadata.Count} outputs; at most {limits.PortsMax} of each.");
        }

        return new ModelSignature(
            [.. session.InputNames.Select(n => Port("input", n, session.InputMetadata[n]))],
            [.. session.OverridableInitializerMetadata.Select(i => Port("input", i.Key, i.Value))],
            [.. session.OutputNames.Select(n => Port("output", n, session.OutputMetadata[n]))],
            producer,
            new Dictionary<string, string>(session.ModelMetadata.CustomMetadataMap));
    }

    private static ModelPort Port(string side, string name, NodeMetadata metadata)
    {
        if (!metadata.IsTensor && !metadata.IsString)
        {
            throw new ModelRefusedException($"The model's {side} '{name}' is a {metadata.OnnxValueType}; only tensors are scored.");
        }

        var type = (TensorType)(int)metadata.ElementDataType;
        return Enum.IsDefined(type)
            ? new ModelPort(name, type, [.. metadata.Dimensions.Select(d => (long)d)])
            : throw new ModelRefusedException($"The model's {side} '{name}' holds {(TensorElementType)(int)type}, which is not supported.");
    }
}
