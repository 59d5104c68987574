using Feast.Serving;
using Grpc.Core;
using Value = Feast.Types.Value;

namespace FeatureStore.Serving.Grpc;

/// <summary><c>feast.serving.ServingService</c>, as Feast's Go and Java servers have it, over the compiled plans.</summary>
public sealed class ServingGrpcService(ServingRuntime runtime) : ServingServiceBase
{
    /// <inheritdoc/>
    public override Task<GetFeastServingInfoResponse> GetFeastServingInfo(GetFeastServingInfoRequest request, ServerCallContext context) =>
        Task.FromResult(new GetFeastServingInfoResponse { Version = ServingRuntime.Version });

    /// <inheritdoc/>
    public override async Task<GetOnlineFeaturesResponse> GetOnlineFeatures(GetOnlineFeaturesRequest request, ServerCallContext context)
    {
        var plan = request.KindCase == GetOnlineFeaturesRequest.KindOneofCase.FeatureService
            ? runtime.PlanService(request.FeatureService)
            : runtime.PlanReferences(request.Features?.Val ?? []);
        var entities = request.Entities
            .Select(e => KeyValuePair.Create(e.Key, (IReadOnlyList<Value>)e.Value.Val)).ToArray();
        var answer = await runtime.Reader.ReadAsync(plan, entities, request.FullFeatureNames, context.CancellationToken);
        return answer.ToMessage();
    }
}
