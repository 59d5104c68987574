using System.Collections.Concurrent;
using Feast.Serving;
using FeatureStore.Client.Transport;
using Grpc.Core;

namespace FeatureStore.Client.Tests.Server;

/// <summary>The contract apart from the implementation: the gRPC library binds virtual methods of the type with the attribute.</summary>
[BindServiceMethod(typeof(FakeServingBase), nameof(Bind))]
public abstract class FakeServingBase
{
    public static void Bind(ServiceBinderBase binder, FakeServingBase? service)
    {
        binder.AddMethod(ServingMethods.Features, service is null ? null : service.GetOnlineFeatures);
        binder.AddMethod(ServingMethods.Info, service is null ? null : service.GetFeastServingInfo);
    }

    public abstract Task<GetOnlineFeaturesResponse> GetOnlineFeatures(GetOnlineFeaturesRequest request, ServerCallContext context);

    public abstract Task<GetFeastServingInfoResponse> GetFeastServingInfo(GetFeastServingInfoRequest request, ServerCallContext context);
}

/// <summary>A serving service whose answers a test decides; it keeps what it was asked.</summary>
public sealed class FakeServingService : FakeServingBase
{
    /// <summary>What the n-th call, counted from 1, is answered.</summary>
    public Func<int, GetOnlineFeaturesRequest, ServerCallContext, Task<GetOnlineFeaturesResponse>> Answer { get; set; } =
        (_, request, _) => Task.FromResult(CannedAnswers.Counts(request));

    public ConcurrentQueue<GetOnlineFeaturesRequest> Requests { get; } = new();

    public override Task<GetOnlineFeaturesResponse> GetOnlineFeatures(GetOnlineFeaturesRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Answer(Requests.Count, request, context);
    }

    public override Task<GetFeastServingInfoResponse> GetFeastServingInfo(GetFeastServingInfoRequest request, ServerCallContext context) =>
        Task.FromResult(new GetFeastServingInfoResponse { Version = "1.2.3" });
}
