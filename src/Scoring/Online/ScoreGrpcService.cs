using Feast.Serving;
using FeatureStore.Contract.Scoring;
using FeatureStore.Contract.Values;
using FeatureStore.Serving.Retrieval;
using Grpc.Core;
using Value = Feast.Types.Value;

namespace FeatureStore.Scoring.Online;

/// <summary><c>fstore.scoring.ScoringService</c> over the live models.</summary>
public sealed class ScoreGrpcService(OnlineScorer scorer) : ScoreGrpcBase
{
    /// <inheritdoc/>
    public override async Task<ScoreResponse> Score(ScoreRequest request, ServerCallContext context)
    {
        var entities = new EntityColumn[request.Entities.Count];
        var index = 0;
        foreach (var (name, values) in request.Entities)
        {
            entities[index++] = new EntityColumn(name, values.Val);
        }

        using var call = scorer.Begin(request.Model);
        return Message(await call.RunAsync(entities, request.RequestId, context.CancellationToken));
    }

    private static ScoreResponse Message(ScoredBatch batch)
    {
        var message = new ScoreResponse
        {
            RequestId = batch.RequestId,
            Model = new ModelVersion { Name = batch.Model.Name, Version = batch.Model.Version, Sha256 = batch.Model.Model.Sha256, FeatureService = batch.Model.FeatureService },
            Time = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(batch.Time),
            FeatureNames = { batch.FeatureNames },
            Warnings = { batch.Warnings },
        };
        for (var row = 0; row < batch.Rows.Count; row++)
        {
            message.Rows.Add(Row(batch, row));
        }

        foreach (var output in batch.Outputs)
        {
            message.Outputs.Add(new ModelOutput
            {
                Name = output.Name,
                Classes = { output.Classes ?? [] },
                Values = { batch.Rows.Select(r => ScoreValues.Of(output, r.Batch)) },
            });
        }

        foreach (var feature in batch.Features)
        {
            var vector = new GetOnlineFeaturesResponse.Types.FeatureVector { Statuses = { feature.Statuses } };
            for (var row = 0; row < batch.Rows.Count; row++)
            {
                vector.Values.Add(Value.Parser.ParseFrom(feature.Value(row)));
                vector.EventTimestamps.Add(ValueBytes.ToTimestamp(feature.EventTimeMicros(row)));
            }

            message.Features.Add(vector);
        }

        return message;
    }

    private static Contract.Scoring.ScoredRow Row(ScoredBatch batch, int row)
    {
        var scored = new Contract.Scoring.ScoredRow
        {
            Outcome = batch.Rows[row].Outcome switch
            {
                RowOutcome.Scored => Outcome.Scored,
                RowOutcome.Refused => Outcome.Refused,
                _ => Outcome.NoScore,
            },
            Missing = { batch.Rows[row].Missing },
        };
        if (batch.Rows[row].OldestEventMicros is { } micros)
        {
            scored.OldestEventTimestamp = ValueBytes.ToTimestamp(micros);
            scored.OldestAgeMillis = batch.AgeMillis(row)!.Value;
        }

        return scored;
    }
}
