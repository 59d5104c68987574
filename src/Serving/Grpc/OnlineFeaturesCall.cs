using Feast.Serving;
using FeatureStore.Serving.Retrieval;
using Grpc.Core;

namespace FeatureStore.Serving.Grpc;

/// <summary>One GetOnlineFeatures over gRPC, which both services offer.</summary>
internal static class OnlineFeaturesCall
{
    public static Task<OnlineFeatures> RunAsync(ServingRuntime runtime, GetOnlineFeaturesRequest request, ServerCallContext context)
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
