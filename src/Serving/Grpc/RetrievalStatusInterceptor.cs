using FeatureStore.Contract.Keys;
using FeatureStore.OnlineStore;
using FeatureStore.Serving.Hosting;
using FeatureStore.Serving.Retrieval;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace FeatureStore.Serving.Grpc;

/// <summary>The one place where an exception becomes a gRPC status.</summary>
internal sealed class RetrievalStatusInterceptor(RequestRecord record) : Interceptor
{
    /// <inheritdoc/>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        var begun = record.Begin();
        try
        {
            var answer = await GuardedAsync(request, context, continuation);
            var plan = (answer as OnlineFeatures)?.Plan;
            record.End(begun, context.Method, nameof(StatusCode.OK), true, plan?.Features.Count ?? 0, plan?.Views.Count ?? 0);
            return answer;
        }
        catch (Exception e)
        {
            // What is no status by now becomes UNKNOWN in the transport.
            record.End(begun, context.Method, ((e as RpcException)?.StatusCode ?? (e is OperationCanceledException ? StatusCode.Cancelled : StatusCode.Unknown)).ToString(), false);
            throw;
        }
    }

    private static async Task<TResponse> GuardedAsync<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        where TRequest : class
        where TResponse : class
    {
        try
        {
            return await continuation(request, context);
        }
        catch (RetrievalException e)
        {
            throw RichStatus.Of(e);
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
