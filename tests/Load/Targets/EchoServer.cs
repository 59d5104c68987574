using System.Buffers;
using System.Net;
using FeatureStore.GrpcHost;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FeatureStore.Load.Targets;

/// <summary>The floor of a feature server: the same host, and a constant answer of equal size.</summary>
[BindServiceMethod(typeof(EchoService), nameof(Bind))]
public abstract class EchoService
{
    private static readonly Marshaller<byte[]> Bytes = new(
        static (byte[] bytes, SerializationContext context) =>
        {
            context.SetPayloadLength(bytes.Length);
            context.GetBufferWriter().Write(bytes);
            context.Complete();
        },
        static (DeserializationContext context) => context.PayloadAsNewBuffer());

    public static void Bind(ServiceBinderBase binder, EchoService? service) => binder.AddMethod(
        new Method<byte[], byte[]>(MethodType.Unary, "feast.serving.ServingService", "GetOnlineFeatures", Bytes, Bytes),
        service is null ? null : service.GetOnlineFeatures);

    public abstract Task<byte[]> GetOnlineFeatures(byte[] request, ServerCallContext context);
}

internal static class EchoServer
{
    /// <summary>Serves until it is killed; prints the address.</summary>
    public static async Task RunAsync(byte[] answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(new Constant(Task.FromResult(answer)));
        builder.Services.AddGrpcHost<NoInterceptor>(new GrpcEndpointOptions());
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        await using var application = builder.Build();
        application.MapGrpcService<Constant>();
        await application.StartAsync();
        Console.WriteLine($"Echo at {application.Urls.First()}");
        await application.WaitForShutdownAsync();
    }

    private sealed class Constant(Task<byte[]> answer) : EchoService
    {
        public override Task<byte[]> GetOnlineFeatures(byte[] request, ServerCallContext context) => answer;
    }

    private sealed class NoInterceptor : Interceptor;
}
