using Feast.Serving;
using Google.Protobuf;
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

    private static readonly Method<GetFeastServingInfoRequest, GetFeastServingInfoResponse> Info =
        Unary(nameof(GetFeastServingInfo), GetFeastServingInfoRequest.Parser, GetFeastServingInfoResponse.Parser);

    private static readonly Method<GetOnlineFeaturesRequest, GetOnlineFeaturesResponse> Features =
        Unary(nameof(GetOnlineFeatures), GetOnlineFeaturesRequest.Parser, GetOnlineFeaturesResponse.Parser);

    /// <summary>Called by the gRPC library to learn the methods; the service is null then.</summary>
    public static void BindService(ServiceBinderBase binder, ServingServiceBase? service)
    {
        binder.AddMethod(Info, service is null ? null : service.GetFeastServingInfo);
        binder.AddMethod(Features, service is null ? null : service.GetOnlineFeatures);
    }

    public abstract Task<GetFeastServingInfoResponse> GetFeastServingInfo(GetFeastServingInfoRequest request, ServerCallContext context);

    public abstract Task<GetOnlineFeaturesResponse> GetOnlineFeatures(GetOnlineFeaturesRequest request, ServerCallContext context);

    private static Method<TRequest, TResponse> Unary<TRequest, TResponse>(
        string name, MessageParser<TRequest> requests, MessageParser<TResponse> responses)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        new(MethodType.Unary, ServiceName, name, Marshal(requests), Marshal(responses));

    private static Marshaller<T> Marshal<T>(MessageParser<T> parser)
        where T : class, IMessage<T> =>
        new(
            (message, context) =>
            {
                context.SetPayloadLength(message.CalculateSize());
                message.WriteTo(context.GetBufferWriter());
                context.Complete();
            },
            context => parser.ParseFrom(context.PayloadAsReadOnlySequence()));
}
