using Feast.Serving;
using FeatureStore.Serving.Retrieval;
using Grpc.Core;

namespace FeatureStore.Serving.Grpc;

/// <summary><c>feast.serving.ServingService</c>, as Feast's Go and Java servers have it, over the compiled plans.</summary>
public sealed class ServingGrpcService(ServingRuntime runtime) : ServingServiceBase
{
    /// <inheritdoc/>
    public override Task<GetFeastServingInfoResponse> GetFeastServingInfo(GetFeastServingInfoRequest request, ServerCallContext context) =>
        Task.FromResult(new GetFeastServingInfoResponse { Version = ServingRuntime.Version });

    /// <inheritdoc/>
    public override Task<OnlineFeatures> GetOnlineFeatures(GetOnlineFeaturesRequest request, ServerCallContext context)
    {
        var entities = new EntityColumn[request.Entities.Count];
        var index = 0;
        foreach (var (name, values) in request.Entities)
        {
            runtime.Limits.CheckRows(values.Val.Count);
            entities[index++] = new EntityColumn(name, values.Val);
        }

        var plans = runtime.Plans;
        var plan = request.KindCase == GetOnlineFeaturesRequest.KindOneofCase.FeatureService
            ? plans.Service(request.FeatureService)
            : plans.References(request.Features?.Val ?? []);
        return runtime.Reader.ReadAsync(plan, entities, request.FullFeatureNames, context.CancellationToken);
    }
}
