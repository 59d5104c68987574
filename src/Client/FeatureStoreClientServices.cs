using FeatureStore.Client;
using Microsoft.Extensions.Logging;

// The namespace in which .NET looks for such extensions, so that no using is needed.
namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the client.</summary>
public static class FeatureStoreClientServices
{
    /// <summary>
    /// Adds one shared <see cref="FeatureStoreClient"/>, made on first use and disposed with the container. Faults of the
    /// settings are told at once, all of them.
    /// </summary>
    /// <exception cref="ArgumentException">A setting cannot be used.</exception>
    public static IServiceCollection AddFeatureStoreClient(this IServiceCollection services, Action<FeatureStoreClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        var options = new FeatureStoreClientOptions();
        configure(options);
        FeatureStoreClient.Check(options);
        return services.AddSingleton(provider => new FeatureStoreClient(options, provider.GetService<ILoggerFactory>()));
    }

    /// <summary>The same against one address, with defaults for the rest.</summary>
    public static IServiceCollection AddFeatureStoreClient(this IServiceCollection services, Uri target) =>
        services.AddFeatureStoreClient(options => options.Target = target);
}
