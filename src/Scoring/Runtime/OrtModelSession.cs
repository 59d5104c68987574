using FeatureStore.Scoring.Models;
using Microsoft.ML.OnnxRuntime;

namespace FeatureStore.Scoring.Runtime;

/// <summary>A model in ONNX Runtime, on the calling thread: with more threads a batch may differ in its last bits, and waiting threads cost more than they save on models of features.</summary>
internal sealed class OrtModelSession : IModelSession
{
    private readonly InferenceSession _session;
    private readonly RunOptions _runOptions = new();
    private readonly ModelLimits _limits;
    private readonly IReadOnlyDictionary<string, IReadOnlyList<string>> _classes;

    private OrtModelSession(InferenceSession session, ModelSignature signature, ModelLimits limits, IReadOnlyDictionary<string, IReadOnlyList<string>> classes)
    {
        _session = session;
        Signature = signature;
        _limits = limits;
        _classes = classes;
    }

    public ModelSignature Signature { get; }

    /// <summary>Loads the bytes of a model that was checked before.</summary>
    /// <param name="classes">Column names by output, taken from a ZipMap that was cut off.</param>
    /// <param name="producer">Producer named in the file.</param>
    /// <exception cref="ModelRefusedException">The library refuses the bytes.</exception>
    public static OrtModelSession Load(byte[] model, ModelLimits limits, IReadOnlyDictionary<string, IReadOnlyList<string>> classes, string producer)
    {
        OrtEnvironment.Ensure();
        using var options = OrtEnvironment.SessionOptions();
        InferenceSession? session = null;
        try
        {
            session = new InferenceSession(model, options);
            var signature = OrtSignature.Read(session, limits, producer);
            return new OrtModelSession(session, signature, limits, classes);
        }
        catch (OnnxRuntimeException e)
        {
            session?.Dispose();
            throw new ModelRefusedException($"ONNX Runtime refuses the model: {FirstLine(e.Message)}", e);
        }
        catch
        {
            session?.Dispose();
            throw;
        }
    }

    public Tensor[] Run(ReadOnlySpan<Tensor> inputs, IReadOnlyList<string> outputs, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        RequestCheck.Check(Signature, inputs, outputs, _limits.RowsMax);
        var names = new string[inputs.Length];
        var values = new OrtValue[inputs.Length];
        try
        {
            for (var i = 0; i < inputs.Length; i++)
            {
                names[i] = inputs[i].Name;
                values[i] = OrtTensors.Wrap(inputs[i]);
            }

            return Run(names, values, outputs, cancellationToken);
        }
        finally
        {
            foreach (var value in values)
            {
                value?.Dispose();
            }
        }
    }

    public void Dispose()
    {
        _runOptions.Dispose();
        _session.Dispose();
    }

    private static string FirstLine(string text) => text.Split('\n', 2)[0].Trim();

    private Tensor[] Run(string[] names, OrtValue[] values, IReadOnlyList<string> outputs, CancellationToken cancellationToken)
    {
        try
        {
            if (!cancellationToken.CanBeCanceled)
            {
                return Read(_session.Run(_runOptions, names, values, outputs), outputs);
            }

            // A run that can be stopped needs options of its own: the flag would stop every run that shares them.
            using var options = new RunOptions();
            using var stop = cancellationToken.Register(static o => ((RunOptions)o!).Terminate = true, options);
            return Read(_session.Run(options, names, values, outputs), outputs);
        }
        catch (OnnxRuntimeException e)
        {
            cancellationToken.ThrowIfCancellationRequested();

            // The library's text may quote values of the batch; it stays in the cause and out of the message.
            throw new ScoreRequestException("The model failed on this batch inside ONNX Runtime. See the cause for the operator; check the values against what the model was trained on.", e);
        }
    }

    private Tensor[] Read(IDisposableReadOnlyCollection<OrtValue> results, IReadOnlyList<string> outputs)
    {
        using (results)
        {
            var tensors = new Tensor[outputs.Count];
            for (var i = 0; i < tensors.Length; i++)
            {
                tensors[i] = OrtTensors.Read(outputs[i], results[i], _classes.GetValueOrDefault(outputs[i]));
            }

            return tensors;
        }
    }
}
