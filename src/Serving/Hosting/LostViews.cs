namespace FeatureStore.Serving.Hosting;

/// <summary>
/// The views whose online rows were found gone, as told by whoever watches the store. Reads go on and answer what is there, NOT_FOUND as a rule; each
/// answer is labelled meanwhile with the header (over gRPC: the metadata) <c>fstore-lost-views</c>, so that a caller can tell an emptied store from an unknown entity.
/// </summary>
public sealed class LostViews
{
    /// <summary>Name of the header; its value is the views' names, separated by commas.</summary>
    public const string Header = "fstore-lost-views";

    private volatile string? _label;

    /// <summary>The header's value, or null as a rule.</summary>
    public string? Label => _label;

    /// <summary>Replaces the list; an empty one ends the labelling.</summary>
    public void Set(IReadOnlyCollection<string> views)
    {
        ArgumentNullException.ThrowIfNull(views);

        // A name with other characters than a header may hold is percent-encoded.
        _label = views.Count == 0 ? null : string.Join(',', views.Select(Uri.EscapeDataString));
    }
}
