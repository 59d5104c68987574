using Feast.Serving;
using FeatureStore.Serving.Retrieval;
using Grpc.Core;

namespace FeatureStore.Serving.Grpc;

/// <summary>One GetOnlineFeatures over gRPC, which both services offer.</summary>
internal static class OnlineFeaturesCall
{
    public static Task<OnlineFeatures> RunAsync(ServingRuntime runtime, GetOnlineFeaturesRequest request, ServerCallContext context)
    {
        var entities = new List<EntityColumn>(request.Entities.Count);
        foreach (var (name, values) in request.Entities)
        {
            runtime.Limits.CheckRows(values.Val.Count);
            entities.Add(new EntityColumn(name, values.Val));
        }

        var plans = runtime.Plans;
        var plan = request.KindCase == GetOnlineFeaturesRequest.KindOneofCase.FeatureService
            ? plans.Service(request.FeatureService)
            : plans.References(request.Features?.Val ?? []);

        // What on-demand views do not take is ignored here, as in Feast.
        foreach (var (name, values) in request.RequestContext)
        {
            if (plan.Column(name) is { IsRequestData: true })
            {
                entities.Add(new EntityColumn(name, values.Val));
            }
        }

        return runtime.Reader.ReadAsync(plan, entities, request.FullFeatureNames, context.CancellationToken);
    }
}
