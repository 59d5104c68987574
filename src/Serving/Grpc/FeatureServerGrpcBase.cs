using Feast.GrpcServer;
using Feast.Serving;
using FeatureStore.Serving.Retrieval;
using Grpc.Core;

namespace FeatureStore.Serving.Grpc;

/// <summary>The methods of <c>GrpcFeatureServer</c>, the service of Feast's Python server. Feast gives it no package.</summary>
[BindServiceMethod(typeof(FeatureServerGrpcBase), nameof(BindService))]
public abstract class FeatureServerGrpcBase
{
    private const string ServiceName = "GrpcFeatureServer";

    private static readonly Method<PushRequest, PushResponse> PushMethod = new(
        MethodType.Unary, ServiceName, nameof(Push), GrpcMarshal.Of(PushRequest.Parser), GrpcMarshal.Of(PushResponse.Parser));

    private static readonly Method<WriteToOnlineStoreRequest, WriteToOnlineStoreResponse> Write = new(
        MethodType.Unary, ServiceName, nameof(WriteToOnlineStore), GrpcMarshal.Of(WriteToOnlineStoreRequest.Parser), GrpcMarshal.Of(WriteToOnlineStoreResponse.Parser));

    private static readonly Method<GetOnlineFeaturesRequest, OnlineFeatures> Features = new(
        MethodType.Unary, ServiceName, nameof(GetOnlineFeatures), GrpcMarshal.Of(GetOnlineFeaturesRequest.Parser), GrpcMarshal.OnlineFeatures);

    /// <summary>Called by the gRPC library to learn the methods; the service is null then.</summary>
    public static void BindService(ServiceBinderBase binder, FeatureServerGrpcBase? service)
    {
        binder.AddMethod(PushMethod, service is null ? null : service.Push);
        binder.AddMethod(Write, service is null ? null : service.WriteToOnlineStore);
        binder.AddMethod(Features, service is null ? null : service.GetOnlineFeatures);
    }

    public abstract Task<PushResponse> Push(PushRequest request, ServerCallContext context);

    public abstract Task<WriteToOnlineStoreResponse> WriteToOnlineStore(WriteToOnlineStoreRequest request, ServerCallContext context);

    public abstract Task<OnlineFeatures> GetOnlineFeatures(GetOnlineFeaturesRequest request, ServerCallContext context);
}
