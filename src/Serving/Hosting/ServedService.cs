using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using GrpcDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace FeatureStore.Serving.Hosting;

/// <summary>A service of another room that the server carries beside its own, with the same bounds, statuses and record of requests.</summary>
/// <param name="Descriptor">For reflection and health.</param>
/// <param name="Register">Adds what it needs to the server's own services.</param>
/// <param name="Map">Maps it on the gRPC port.</param>
/// <param name="HttpPath">The path that it answers POST at on the HTTP port.</param>
public sealed record ServedService(
    GrpcDescriptor Descriptor,
    Action<IServiceCollection> Register,
    Action<IEndpointRouteBuilder> Map,
    string HttpPath,
    Func<ServingRuntime, HttpContext, Task> RunHttp)
{
    /// <summary>A service in an instance that exists.</summary>
    public static ServedService Of<TService>(
        TService service, GrpcDescriptor descriptor, string httpPath, Func<ServingRuntime, HttpContext, Task> runHttp, Action<IServiceCollection> register)
        where TService : class =>
        new(
            descriptor,
            services =>
            {
                services.AddSingleton(service);
                register(services);
            },
            routes => routes.MapGrpcService<TService>(),
            httpPath,
            runHttp);
}
