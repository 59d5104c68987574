using FeatureStore.Scoring.Receipts;
using FeatureStore.Scoring.Runtime;
using FeatureStore.Scoring.Store;
using FeatureStore.Serving.Retrieval;
using StoredColumn = FeatureStore.Serving.Retrieval.FeatureColumn;

namespace FeatureStore.Scoring.Online;

/// <summary>One call with one version of a model.</summary>
public sealed class ScoreCall : IDisposable
{
    private readonly OnlineScorer _scorer;
    private readonly LiveModel.Lease _lease;
    private readonly ModelBinding _binding;

    internal ScoreCall(OnlineScorer scorer, LiveModel.Lease lease, ModelBinding binding)
    {
        _scorer = scorer;
        _lease = lease;
        _binding = binding;
    }

    /// <summary>What is read for the model; tells the types of entity lists.</summary>
    public RetrievalPlan Plan => _binding.Plan;

    /// <summary>Reads the entities' features and scores them. A row that the model's policy refuses has no score; the others have theirs.</summary>
    /// <param name="requestId">Null or empty makes one.</param>
    /// <exception cref="RetrievalException">The entities do not fit, a limit is passed, or the model fails on the batch.</exception>
    public async Task<ScoredBatch> RunAsync(IReadOnlyList<EntityColumn> entities, string? requestId, CancellationToken cancellationToken)
    {
        var id = _scorer.RequestId(requestId);
        var answer = await _scorer.Runtime.Reader.ReadAsync(_binding.Plan, entities, fullFeatureNames: true, cancellationToken);
        var columns = Array.ConvertAll(_binding.Features, f => answer.Features[f.Column]);
        var rows = new ScoredRow[answer.Rows];
        var scored = new List<int>(rows.Length);
        for (var row = 0; row < rows.Length; row++)
        {
            var missing = Missing(columns, row);
            rows[row] = new ScoredRow(missing.Count == 0 ? RowOutcome.Scored : RowOutcome.Refused, missing.Count == 0 ? scored.Count : -1, missing, Oldest(columns, row));
            if (missing.Count == 0)
            {
                scored.Add(row);
            }
        }

        var vectors = new Scores.FeatureColumn[columns.Length];
        for (var f = 0; f < vectors.Length; f++)
        {
            vectors[f] = _binding.Features[f].Reader.Read(in columns[f], _binding.Features[f].Name, scored);
        }

        var outputs = scored.Count == 0 ? [] : Run(vectors, rows, scored, cancellationToken);
        var batch = new ScoredBatch(
            id, _binding.Manifest, _scorer.Runtime.Time.GetUtcNow(), answer.Entities, _lease.Scorer.Features, columns, rows, outputs, _binding.Warnings);
        if (_scorer.Receipts is { } receipts)
        {
            await RecordAsync(receipts, batch, cancellationToken);
        }

        return batch;
    }

    public void Dispose() => _lease.Dispose();

    private async Task RecordAsync(ReceiptLog receipts, ScoredBatch batch, CancellationToken cancellationToken)
    {
        int[] all = [.. Enumerable.Range(0, batch.Rows.Count)];
        try
        {
            await receipts.AppendAsync(batch, [.. batch.Features.Select((f, i) => _binding.Features[i].Reader.Read(in f, batch.FeatureNames[i], all))], cancellationToken);
        }
        catch (ReceiptException)
        {
            throw new RetrievalException(RetrievalFault.NotRecorded, "The decision cannot be recorded, so it is not given; look after the folder of receipts, its disk may be full.");
        }
    }

    private IReadOnlyList<Tensor> Run(Scores.FeatureColumn[] vectors, ScoredRow[] rows, List<int> scored, CancellationToken cancellationToken)
    {
        try
        {
            var batch = _lease.Scorer.Score(vectors, cancellationToken);
            foreach (var place in batch.RowsWithoutScore)
            {
                rows[scored[place]] = rows[scored[place]] with { Outcome = RowOutcome.NoScore };
            }

            return batch.Outputs;
        }
        catch (ScoreRequestException e)
        {
            throw new RetrievalException(RetrievalFault.ModelRefused, $"Model '{_binding.Manifest.Name}' {_binding.Manifest.Version} cannot score this batch: {e.Message}");
        }
    }

    private IReadOnlyList<string> Missing(StoredColumn[] columns, int row)
    {
        List<string>? missing = null;
        for (var f = 0; f < columns.Length; f++)
        {
            if (!_binding.Features[f].TakesAbsent && ColumnReader.IsAbsent(in columns[f], row))
            {
                (missing ??= []).Add(_binding.Features[f].Name);
            }
        }

        return missing ?? (IReadOnlyList<string>)[];
    }

    private static long? Oldest(StoredColumn[] columns, int row)
    {
        var oldest = long.MaxValue;
        foreach (ref readonly var column in columns.AsSpan())
        {
            var micros = column.EventTimeMicros(row);
            oldest = micros != 0 && micros < oldest ? micros : oldest;
        }

        return oldest == long.MaxValue ? null : oldest;
    }
}
