using Feast.Serving;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace FeatureStore.Client;

/// <summary>Asks a feature server over gRPC. Keep one and share it; it is safe for concurrent use.</summary>
public sealed class FeatureStoreClient : IDisposable
{
    private static readonly Method<GetOnlineFeaturesRequest, GetOnlineFeaturesResponse> Features = new(
        MethodType.Unary,
        "feast.serving.ServingService",
        "GetOnlineFeatures",
        Marshal(GetOnlineFeaturesRequest.Parser),
        Marshal(GetOnlineFeaturesResponse.Parser));

    private readonly GrpcChannel _channel;
    private readonly CallInvoker _invoker;

    /// <param name="target">The server, for instance <c>http://localhost:6567</c>.</param>
    public FeatureStoreClient(Uri target)
    {
        _channel = GrpcChannel.ForAddress(target);
        _invoker = _channel.CreateCallInvoker();
    }

    /// <summary>Reads features of entity rows.</summary>
    /// <param name="deadline">The moment, in UTC, after which the call is given up with DEADLINE_EXCEEDED; null waits.</param>
    /// <exception cref="RpcException">The server refused or cannot be reached; its status says which.</exception>
    public async Task<GetOnlineFeaturesResponse> GetOnlineFeaturesAsync(
        GetOnlineFeaturesRequest request, DateTime? deadline, CancellationToken cancellationToken)
    {
        var options = new CallOptions(deadline: deadline, cancellationToken: cancellationToken);
        using var call = _invoker.AsyncUnaryCall(Features, null, options, request);
        return await call.ResponseAsync;
    }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    private static Marshaller<T> Marshal<T>(MessageParser<T> parser)
        where T : class, IMessage<T> =>
        Marshallers.Create(message => message.ToByteArray(), parser.ParseFrom);
}
