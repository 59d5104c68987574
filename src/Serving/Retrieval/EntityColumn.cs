using Feast.Types;

namespace FeatureStore.Serving.Retrieval;

/// <summary>One list of a request's entities: the name it was sent under, or is answered under, and a value per row.</summary>
public readonly record struct EntityColumn(string Name, IReadOnlyList<Value> Values);
