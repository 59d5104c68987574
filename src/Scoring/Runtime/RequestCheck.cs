using FeatureStore.Scoring.Models;

namespace FeatureStore.Scoring.Runtime;

/// <summary>
/// Compares a call with the model's signature before the native library sees it: the library finds a missing input only inside the first kernel that reads it, and its texts change by version.
/// </summary>
internal static class RequestCheck
{
    public static void Check(ModelSignature signature, ReadOnlySpan<Tensor> inputs, IReadOnlyList<string> outputs, int rowsMax)
    {
        Tensor? first = null;
        foreach (var tensor in inputs)
        {
            var port = signature.Input(tensor.Name) ?? signature.OptionalInputs.FirstOrDefault(p => p.Name == tensor.Name)
                ?? throw new ScoreRequestException($"The model has no input '{tensor.Name}'; it takes {string.Join(", ", signature.Inputs)}.");
            CheckShape(port, tensor);
            if (tensor.Rows > rowsMax)
            {
                throw new ScoreRequestException($"Input '{tensor.Name}' has {tensor.Rows} rows; at most {rowsMax} a call. Send smaller batches.");
            }

            if (!port.TakesAnyRows)
            {
                continue;
            }

            first ??= tensor;
            if (tensor.Rows != first.Rows)
            {
                throw new ScoreRequestException($"Input '{tensor.Name}' has {tensor.Rows} rows and '{first.Name}' {first.Rows}; all inputs need the same number.");
            }
        }

        CheckNames(signature, inputs, outputs);
    }

    private static void CheckShape(ModelPort port, Tensor tensor)
    {
        if (tensor.Type != port.Type)
        {
            throw new ScoreRequestException($"Input '{port.Name}' is {port.Type}, and {tensor.Type} was given; nothing is cast silently.");
        }

        var fits = tensor.Shape.Count == port.Dimensions.Count;
        for (var i = 0; fits && i < port.Dimensions.Count; i++)
        {
            fits = port.Dimensions[i] < 0 || port.Dimensions[i] == tensor.Shape[i];
        }

        if (!fits)
        {
            throw new ScoreRequestException($"Input {port} was given the shape [{string.Join(',', tensor.Shape)}].");
        }
    }

    private static void CheckNames(ModelSignature signature, ReadOnlySpan<Tensor> inputs, IReadOnlyList<string> outputs)
    {
        foreach (var port in signature.Inputs)
        {
            if (!IsGiven(port, inputs))
            {
                throw new ScoreRequestException($"Input '{port.Name}' is missing; the model needs {port}.");
            }
        }

        for (var i = 0; i < inputs.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (inputs[j].Name == inputs[i].Name)
                {
                    throw new ScoreRequestException($"Input '{inputs[i].Name}' was given twice.");
                }
            }
        }

        for (var i = 0; i < outputs.Count; i++)
        {
            if (signature.Output(outputs[i]) is null)
            {
                throw new ScoreRequestException($"The model has no output '{outputs[i]}'; it gives {string.Join(", ", signature.Outputs.Select(o => o.Name))}.");
            }

            for (var j = 0; j < i; j++)
            {
                if (outputs[j] == outputs[i])
                {
                    throw new ScoreRequestException($"Output '{outputs[i]}' was asked for twice.");
                }
            }
        }

        if (outputs.Count == 0)
        {
            throw new ScoreRequestException("No output was asked for.");
        }
    }

    private static bool IsGiven(ModelPort port, ReadOnlySpan<Tensor> inputs)
    {
        foreach (var tensor in inputs)
        {
            if (tensor.Name == port.Name)
            {
                return true;
            }
        }

        return false;
    }
}
