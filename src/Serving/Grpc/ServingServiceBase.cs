using Feast.Serving;
using FeatureStore.Serving.Retrieval;
using Grpc.Core;

namespace FeatureStore.Serving.Grpc;

/// <summary>
/// The methods of <c>feast.serving.ServingService</c> and how their messages become bytes. The gRPC library binds
/// virtual methods of the type that carries the attribute, so the contract stands apart from its implementation.
/// </summary>
[BindServiceMethod(typeof(ServingServiceBase), nameof(BindService))]
public abstract class ServingServiceBase
{
    private const string ServiceName = "feast.serving.ServingService";

    private static readonly Method<GetFeastServingInfoRequest, GetFeastServingInfoResponse> Info = new(
        MethodType.Unary,
        ServiceName,
        nameof(GetFeastServingInfo),
        GrpcMarshal.Of(GetFeastServingInfoRequest.Parser),
        GrpcMarshal.Of(GetFeastServingInfoResponse.Parser));

    private static readonly Method<GetOnlineFeaturesRequest, OnlineFeatures> Features = new(
        MethodType.Unary, ServiceName, nameof(GetOnlineFeatures), GrpcMarshal.Of(GetOnlineFeaturesRequest.Parser), GrpcMarshal.OnlineFeatures);

    /// <summary>Called by the gRPC library to learn the methods; the service is null then.</summary>
    public static void BindService(ServiceBinderBase binder, ServingServiceBase? service)
    {
        binder.AddMethod(Info, service is null ? null : service.GetFeastServingInfo);
        binder.AddMethod(Features, service is null ? null : service.GetOnlineFeatures);
    }

    public abstract Task<GetFeastServingInfoResponse> GetFeastServingInfo(GetFeastServingInfoRequest request, ServerCallContext context);

    public abstract Task<OnlineFeatures> GetOnlineFeatures(GetOnlineFeaturesRequest request, ServerCallContext context);
}
