namespace FeatureStore.Serving.Http;

/// <summary>A request body that does not have the form of its endpoint, answered 422 as Feast's validation answers.</summary>
/// <param name="kind">Feast's (pydantic's) word for the mistake.</param>
/// <param name="location">Where: <c>body</c>, then names and indexes.</param>
public sealed class HttpBodyException(string kind, IReadOnlyList<object> location, string message) : Exception(message)
{
    public string Kind { get; } = kind;

    public IReadOnlyList<object> Location { get; } = location;
}
