using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Runtime;
using FeatureStore.Scoring.Store;

namespace FeatureStore.Scoring.Receipts;

/// <summary>How a receipt came out when it was run again.</summary>
/// <param name="SameBits">Every score has the bits that were recorded.</param>
/// <param name="Rows">Rows that were run.</param>
/// <param name="LargestDifference">Between a recorded number and that of today; 0 where the bits are the same.</param>
public sealed record ReplayResult(Receipt Receipt, bool SameBits, int Rows, double LargestDifference);

/// <summary>Runs decisions again: the features of the receipt, in the batch that they were scored in, on the model that its hash names. What is online today plays no part.</summary>
public sealed class ReceiptReplay(ModelStore models)
{
    /// <exception cref="ReceiptException">The model that decided is not kept any more.</exception>
    /// <exception cref="ModelRefusedException">Its file was changed.</exception>
    public ReplayResult Run(Receipt receipt, CancellationToken cancellationToken)
    {
        var manifest = Manifest(receipt);
        var rows = receipt.ScoredRows();
        if (rows.Length == 0)
        {
            return new ReplayResult(receipt, receipt.Outputs.Count == 0, 0, 0);
        }

        using var scorer = models.OpenAsTrained(manifest.Name, manifest.Version);
        var outputs = scorer.Score([.. receipt.Features.Select(f => f.Take(rows))], cancellationToken).Outputs;
        var same = outputs.Count == receipt.Outputs.Count && outputs.Zip(receipt.Outputs).All(p => ReceiptValues.SameBits(p.First, p.Second));
        return new ReplayResult(receipt, same, rows.Length, same ? 0 : Difference(outputs, receipt.Outputs));
    }

    private ModelManifest Manifest(Receipt receipt)
    {
        var manifest = models.List(receipt.Model).Select(l => l.Manifest).FirstOrDefault(m => m.Model.Sha256 == receipt.Sha256 && m.Version == receipt.Version);
        return manifest ?? throw new ReceiptException($"Receipt {receipt.RequestId} was decided by {receipt.Model} {receipt.Version} with the SHA-256 {receipt.Sha256}, which is not in the store of models any more.");
    }

    private static double Difference(IReadOnlyList<Tensor> now, IReadOnlyList<Tensor> then)
    {
        var largest = 0.0;
        foreach (var (a, b) in now.Zip(then))
        {
            var numbers = (a.Values, b.Values) switch
            {
                (float[] x, float[] y) when x.Length == y.Length => x.Zip(y, (p, q) => Math.Abs((double)p - q)),
                (double[] x, double[] y) when x.Length == y.Length => x.Zip(y, (p, q) => Math.Abs(p - q)),
                _ => ReceiptValues.SameBits(a, b) ? [0.0] : [double.PositiveInfinity],
            };
            largest = Math.Max(largest, numbers.DefaultIfEmpty().Max());
        }

        return largest;
    }
}
