using FeatureStore.Serving.Retrieval;
using Google.Protobuf;
using Grpc.Core;

namespace FeatureStore.Serving.Grpc;

/// <summary>How messages become bytes in the transport's own buffer, and back.</summary>
public static class GrpcMarshal
{
    /// <summary>Answers are only written: no client of ours reads them in this form.</summary>
    internal static Marshaller<OnlineFeatures> OnlineFeatures { get; } = new(
        (answer, context) =>
        {
            OnlineFeaturesBytes.Write(answer, context.SetPayloadLength, context.GetBufferWriter);
            context.Complete();
        },
        _ => throw new NotSupportedException("An answer is read as GetOnlineFeaturesResponse."));

    /// <summary>Of a message of protobuf; one that cannot be parsed is answered INVALID_ARGUMENT.</summary>
    public static Marshaller<T> Of<T>(MessageParser<T> parser)
        where T : class, IMessage<T> =>
        new(
            (message, context) =>
            {
                context.SetPayloadLength(message.CalculateSize());
                message.WriteTo(context.GetBufferWriter());
                context.Complete();
            },
            context => Parse(parser, context));

    // Else the transport takes it for a fault of the server: UNKNOWN, and an error in the log at any stranger's wish.
    private static T Parse<T>(MessageParser<T> parser, DeserializationContext context)
        where T : class, IMessage<T>
    {
        try
        {
            return parser.ParseFrom(context.PayloadAsReadOnlySequence());
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"The message is no {typeof(T).Name}: {e.Message}"));
        }
    }
}
