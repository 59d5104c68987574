using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Runtime;

namespace FeatureStore.Scoring.Scores;

/// <summary>Which outputs are scores, and which of their rows are no number.</summary>
internal static class OutputPlan
{
    /// <summary>Ending that ML.NET gives to the output of every column, inputs included.</summary>
    private const string MlNetEnding = ".output";

    /// <summary>Ending of an output that ML.NET adds to carry class names in the node before it; its value means nothing.</summary>
    private const string MlNetUnused = ".unusedOutput";

    /// <exception cref="ModelRefusedException">An output that was asked for is not there, or none is left.</exception>
    public static string[] Compile(ModelSignature signature, ScoringPlan plan)
    {
        if (plan.Outputs.FirstOrDefault(o => signature.Output(o) is null) is { } unknown)
        {
            throw new ModelRefusedException($"The model has no output '{unknown}'; it gives {string.Join(", ", signature.Outputs.Select(o => o.Name))}.");
        }

        string[] outputs = plan.Outputs.Count > 0
            ? [.. plan.Outputs.Distinct(StringComparer.Ordinal)]
            : [.. signature.Outputs.Select(o => o.Name).Where(n => signature.Producer != ModelSignature.MlNet || !IsNoScore(n, signature))];
        return outputs.Length > 0 ? outputs : throw new ModelRefusedException("The model gives nothing but its inputs; name the outputs to give.");
    }

    public static IReadOnlyList<int> RowsWithoutScore(Tensor[] outputs, int rows)
    {
        SortedSet<int>? found = null;
        foreach (var output in outputs)
        {
            switch (output.Type)
            {
                case TensorType.Float:
                    AddNaN<float>(output, rows, ref found);
                    break;
                case TensorType.Double:
                    AddNaN<double>(output, rows, ref found);
                    break;
                case TensorType.Float16:
                    AddNaN<Half>(output, rows, ref found);
                    break;
            }
        }

        return found is null ? [] : [.. found];
    }

    private static bool IsNoScore(string output, ModelSignature signature) =>
        output.EndsWith(MlNetUnused, StringComparison.Ordinal)
        || (output.EndsWith(MlNetEnding, StringComparison.Ordinal) && signature.Input(output[..^MlNetEnding.Length]) is not null);

    private static void AddNaN<T>(Tensor output, int rows, ref SortedSet<int>? found)
        where T : System.Numerics.INumberBase<T>
    {
        var values = output.Span<T>();
        for (var i = 0; i < values.Length; i++)
        {
            if (T.IsNaN(values[i]))
            {
                (found ??= []).Add(i / (values.Length / rows));
            }
        }
    }
}
