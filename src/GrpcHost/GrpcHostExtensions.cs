using Grpc.AspNetCore.Server;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.DependencyInjection;

namespace FeatureStore.GrpcHost;

/// <summary>Registers gRPC on Kestrel. This room is the one seam to another transport.</summary>
public static class GrpcHostExtensions
{
    /// <summary>Adds gRPC with the given bounds and the interceptor that turns exceptions into statuses.</summary>
    public static IServiceCollection AddGrpcHost<TStatusInterceptor>(this IServiceCollection services, GrpcEndpointOptions options)
        where TStatusInterceptor : Interceptor
    {
        services.AddGrpc((GrpcServiceOptions grpc) =>
        {
            grpc.MaxReceiveMessageSize = options.ReceiveBytesMax;
            grpc.EnableDetailedErrors = false;
            grpc.CompressionProviders = [new GzipProvider()];
            grpc.ResponseCompressionAlgorithm = options.CompressResponses ? "gzip" : null;
            grpc.Interceptors.Add<TStatusInterceptor>();
        });
        return services;
    }
}
