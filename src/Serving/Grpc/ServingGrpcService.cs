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
    public override Task<OnlineFeatures> GetOnlineFeatures(GetOnlineFeaturesRequest request, ServerCallContext context) =>
        OnlineFeaturesCall.RunAsync(runtime, request, context);
}
