using FeatureStore.Serving.Hosting;
using Grpc.Health.V1;
using Grpc.HealthCheck;
using Microsoft.Extensions.Hosting;

namespace FeatureStore.Serving.Grpc;

/// <summary>Says over <c>grpc.health.v1</c> and <c>/health</c> that the services serve, until the server is told to stop.</summary>
internal sealed class HealthReport(HealthServiceImpl health, Readiness readiness, IEnumerable<ServedService> beside, IHostApplicationLifetime lifetime) : IHostedService
{
    // The empty name is the server as a whole.
    private static readonly string[] Services = ["", "feast.serving.ServingService", "GrpcFeatureServer"];

    public Task StartAsync(CancellationToken cancellationToken)
    {
        Set(HealthCheckResponse.Types.ServingStatus.Serving);

        // Before the drain, so that balancers send no more while the last requests are answered.
        lifetime.ApplicationStopping.Register(() => Set(HealthCheckResponse.Types.ServingStatus.NotServing));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void Set(HealthCheckResponse.Types.ServingStatus status)
    {
        readiness.IsReady = status == HealthCheckResponse.Types.ServingStatus.Serving;
        foreach (var service in Services.Concat(beside.Select(b => b.Descriptor.FullName)))
        {
            health.SetStatus(service, status);
        }
    }
}
