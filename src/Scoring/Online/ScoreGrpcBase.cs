using FeatureStore.Contract.Scoring;
using FeatureStore.Serving.Grpc;
using Grpc.Core;

namespace FeatureStore.Scoring.Online;

/// <summary>The method of <c>fstore.scoring.ScoringService</c>.</summary>
[BindServiceMethod(typeof(ScoreGrpcBase), nameof(BindService))]
public abstract class ScoreGrpcBase
{
    /// <summary>The method as a client calls it.</summary>
    public static Method<ScoreRequest, ScoreResponse> ScoreMethod { get; } = new(
        MethodType.Unary, "fstore.scoring.ScoringService", nameof(Score), GrpcMarshal.Of(ScoreRequest.Parser), GrpcMarshal.Of(ScoreResponse.Parser));

    /// <summary>Called by the gRPC library to learn the method; the service is null then.</summary>
    public static void BindService(ServiceBinderBase binder, ScoreGrpcBase? service) => binder.AddMethod(ScoreMethod, service is null ? null : service.Score);

    public abstract Task<ScoreResponse> Score(ScoreRequest request, ServerCallContext context);
}
