using Feast.Serving;
using Google.Protobuf;
using Grpc.Core;

namespace FeatureStore.Client.Transport;

/// <summary>The methods of <c>feast.serving.ServingService</c>.</summary>
internal static class ServingMethods
{
    public static readonly Method<GetOnlineFeaturesRequest, GetOnlineFeaturesResponse> Features =
        Unary("GetOnlineFeatures", GetOnlineFeaturesRequest.Parser, GetOnlineFeaturesResponse.Parser);

    public static readonly Method<GetFeastServingInfoRequest, GetFeastServingInfoResponse> Info =
        Unary("GetFeastServingInfo", GetFeastServingInfoRequest.Parser, GetFeastServingInfoResponse.Parser);

    private static Method<TRequest, TResponse> Unary<TRequest, TResponse>(
        string name, MessageParser<TRequest> requests, MessageParser<TResponse> responses)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        new(MethodType.Unary, "feast.serving.ServingService", name, Marshal(requests), Marshal(responses));

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
