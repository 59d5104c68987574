using Feast.Serving;

namespace FeatureStore.Client;

/// <summary>Which features of which entities are asked for. Immutable.</summary>
public sealed record OnlineFeaturesQuery
{
    private readonly string? _service;
    private readonly IReadOnlyList<string> _references = [];

    private OnlineFeaturesQuery(string? service, IReadOnlyList<string> references, EntityRows entities)
    {
        ArgumentNullException.ThrowIfNull(entities);
        _service = service;
        _references = references;
        Entities = entities;
    }

    /// <summary>The entity rows.</summary>
    public EntityRows Entities { get; }

    /// <summary>Names columns <c>view__feature</c>; needed when two views have a feature of one name.</summary>
    public bool FullFeatureNames { get; init; }

    /// <summary>All features of a feature service.</summary>
    public static OnlineFeaturesQuery ForService(string featureService, EntityRows entities)
    {
        ArgumentException.ThrowIfNullOrEmpty(featureService);
        return new(featureService, [], entities);
    }

    /// <summary>Features by reference, each <c>view:feature</c>.</summary>
    public static OnlineFeaturesQuery ForFeatures(IEnumerable<string> references, EntityRows entities)
    {
        ArgumentNullException.ThrowIfNull(references);
        return new(null, [.. references], entities);
    }

    internal GetOnlineFeaturesRequest Request(int start, int count)
    {
        var request = new GetOnlineFeaturesRequest { FullFeatureNames = FullFeatureNames };
        if (_service is not null)
        {
            request.FeatureService = _service;
        }
        else
        {
            request.Features = new FeatureList { Val = { _references } };
        }

        Entities.AddTo(request, start, count);
        return request;
    }
}
