using System.Collections.Concurrent;
using System.Globalization;
using Feast.Serving;
using Prometheus;

namespace FeatureStore.Serving.Metrics;

/// <summary>Counters and histograms under the names that Feast's server publishes; names and labels never change.</summary>
public sealed class ServingMetrics
{
    // Feast 0.67's bins for the label feature_count.
    private static readonly int[] FeatureCountBins = [10, 50, 200];
    private static readonly double[] Seconds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

    // By the numbers of FieldStatus, in Feast's spelling; it knows present and not_found alone.
    private static readonly string[] Names = ["invalid", "present", "null_value", "not_found", "outside_max_age"];

    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly Counter _requests;
    private readonly Histogram _latency;
    private readonly Counter _retrievals;
    private readonly Counter _statuses;
    private readonly Counter _pushes;
    private readonly Histogram _entityRows;
    private readonly Histogram _storeRead;

    // Children by view and status, so that counting an answer makes no labels. Bounded by the registry's views.
    private readonly ConcurrentDictionary<string, Counter.Child[]> _statusesOfView = new();

    public ServingMetrics()
    {
        var factory = Prometheus.Metrics.WithCustomRegistry(_registry);
        _requests = factory.CreateCounter("feast_feature_server_request_total", "Requests by endpoint and outcome.", "endpoint", "status");
        _latency = factory.CreateHistogram(
            "feast_feature_server_request_latency_seconds", "Time to answer.", ["endpoint", "feature_count", "feature_view_count"], new HistogramConfiguration { Buckets = Seconds });
        _retrievals = factory.CreateCounter("feast_online_features_request_total", "Online retrievals that were answered.");
        _statuses = factory.CreateCounter("feast_online_features_status_total", "Values answered, by view and status.", "feature_view", "status");
        _pushes = factory.CreateCounter("feast_push_request_total", "Pushes taken.", "push_source", "mode");
        _entityRows = factory.CreateHistogram(
            "feast_online_features_entity_count", "Entity rows of a retrieval.", new HistogramConfiguration { Buckets = [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 10_000] });
        _storeRead = factory.CreateHistogram(
            "feast_feature_server_online_store_read_duration_seconds", "Time of the online store's reads of a retrieval.", new HistogramConfiguration { Buckets = Seconds });
    }

    /// <summary>All of them in Prometheus's text format.</summary>
    public Task WriteAsync(Stream target, CancellationToken cancellationToken) => _registry.CollectAndExportAsTextAsync(target, cancellationToken);

    internal void Request(string endpoint, bool succeeded, TimeSpan elapsed, int features, int views)
    {
        _requests.WithLabels(endpoint, succeeded ? "success" : "error").Inc();
        _latency.WithLabels(endpoint, Range(features), views == 0 ? string.Empty : views.ToString(CultureInfo.InvariantCulture)).Observe(elapsed.TotalSeconds);
    }

    internal void Retrieval(int rows, TimeSpan storeRead)
    {
        _retrievals.Inc();
        _entityRows.Observe(rows);
        _storeRead.Observe(storeRead.TotalSeconds);
    }

    internal void Statuses(string view, ReadOnlySpan<FieldStatus> statuses)
    {
        var children = _statusesOfView.GetOrAdd(
            view, static (name, counter) => Array.ConvertAll(Names, status => counter.WithLabels(name, status)), _statuses);
        Span<int> counts = stackalloc int[Names.Length];
        foreach (var status in statuses)
        {
            counts[(int)status]++;
        }

        for (var status = 0; status < counts.Length; status++)
        {
            if (counts[status] > 0)
            {
                children[status].Inc(counts[status]);
            }
        }
    }

    internal void Push(string source, string mode) => _pushes.WithLabels(source, mode).Inc();

    private static string Range(int features)
    {
        if (features == 0)
        {
            // As Feast: a request that reads no features has no such labels.
            return string.Empty;
        }

        var from = 1;
        foreach (var bin in FeatureCountBins)
        {
            if (features <= bin)
            {
                return $"{from}-{bin}";
            }

            from = bin + 1;
        }

        return $">{FeatureCountBins[^1]}";
    }
}
