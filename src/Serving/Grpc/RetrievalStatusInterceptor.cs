using FeatureStore.Contract.Keys;
using FeatureStore.OnlineStore;
using FeatureStore.Serving.Retrieval;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace FeatureStore.Serving.Grpc;

/// <summary>The one place where an exception becomes a gRPC status.</summary>
public sealed class RetrievalStatusInterceptor : Interceptor
{
    /// <inheritdoc/>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context);
        }
        catch (RetrievalException e)
        {
            throw new RpcException(new Status(FaultCodes.Of(e.Fault).Grpc, e.Message));
        }
        catch (EntityKeyException e)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, e.Message));
        }
        catch (OnlineStoreException e)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, e.Message));
        }
    }
}
