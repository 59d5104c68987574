using FeatureStore.Contract.Scoring;
using FeatureStore.Serving.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FeatureStore.Scoring.Online;

/// <summary>The Score service as a part of the feature server.</summary>
public static class ScoringHost
{
    /// <summary>gRPC <c>fstore.scoring.ScoringService</c> and <c>POST /score</c>, over models that are looked after while the server runs.</summary>
    public static ServedService Beside(OnlineScorer scorer, LiveModels models) => ServedService.Of(
        new ScoreGrpcService(scorer),
        ScoringServiceReflection.Descriptor.Services[0],
        ScoreEndpoint.Path,
        new ScoreEndpoint(scorer).RunAsync,
        services =>
        {
            services.AddSingleton(models);
            services.AddHostedService<ModelRefresh>();
            services.Configure<LoggerFilterOptions>(filters => filters.Rules.Add(new LoggerFilterRule(null, typeof(ModelRefresh).FullName, LogLevel.Information, null)));
        });
}
