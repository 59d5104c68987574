using FeatureStore.Contract.References;
using FeatureStore.OnlineStore;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.Serving.Retrieval;

/// <summary>One view's part of a plan: what is read, and under which names it is asked for and answered.</summary>
/// <param name="RequestKeys">The request's name of each of the view's join keys, in their order.</param>
internal sealed record PlannedView(FeatureViewModel View, OnlineTable Table, string NameToUse, IReadOnlyList<string> RequestKeys);

/// <summary>
/// What a feature service or a list of references means under one snapshot, decided once and then run many times.
/// Immutable.
/// </summary>
public sealed class RetrievalPlan
{
    private RetrievalPlan(RegistrySnapshot snapshot, IReadOnlyList<PlannedView> views)
    {
        Snapshot = snapshot;
        Views = views;
    }

    /// <summary>The snapshot that the plan was made from.</summary>
    public RegistrySnapshot Snapshot { get; }

    internal IReadOnlyList<PlannedView> Views { get; }

    /// <summary>Plans a feature service.</summary>
    /// <exception cref="RetrievalException">There is no such service.</exception>
    public static RetrievalPlan ForService(RegistrySnapshot snapshot, string name)
    {
        if (!snapshot.FeatureServices.TryGetValue(name, out var service))
        {
            throw new RetrievalException(
                RetrievalFault.NotFound,
                $"There is no feature service '{name}'; there are: {string.Join(", ", snapshot.FeatureServices.Keys.Order(StringComparer.Ordinal))}.");
        }

        return new RetrievalPlan(snapshot, [.. service.Projections.Select(p => Plan(snapshot, p.ViewName, p.NameToUse, p.Features, p.JoinKeyMap))]);
    }

    /// <summary>Plans references; views stand in the order of their first mention.</summary>
    /// <exception cref="RetrievalException">A reference is malformed or unknown; all of them are listed.</exception>
    public static RetrievalPlan ForReferences(RegistrySnapshot snapshot, IReadOnlyList<string> references)
    {
        if (references.Count == 0)
        {
            throw new RetrievalException(RetrievalFault.Invalid, "No features are asked for; name a feature service or at least one view:feature.");
        }

        var wanted = new Dictionary<string, List<string>>();
        var malformed = new List<string>();
        var unknown = new List<string>();
        foreach (var text in references)
        {
            if (!FeatureReference.TryParse(text, out var reference, out var error))
            {
                malformed.Add(error);
            }
            else if (reference.Version is not null)
            {
                malformed.Add($"'{text}' asks for a version, and view versions are not enabled.");
            }
            else if (!snapshot.FeatureViews.TryGetValue(reference.View, out var view) || view.Features.All(f => f.Name != reference.Feature))
            {
                unknown.Add(text);
            }
            else if (!wanted.TryAdd(reference.View, [reference.Feature]) && !wanted[reference.View].Contains(reference.Feature))
            {
                wanted[reference.View].Add(reference.Feature);
            }
        }

        if (malformed.Count > 0)
        {
            throw new RetrievalException(RetrievalFault.Invalid, string.Join(" ", malformed));
        }

        return unknown.Count == 0
            ? new RetrievalPlan(snapshot, [.. wanted.Select(w => Plan(snapshot, w.Key, w.Key, w.Value, new Dictionary<string, string>()))])
            : throw new RetrievalException(RetrievalFault.NotFound, $"The registry does not have {string.Join(", ", unknown)}; run 'fstore feature-views list'.");
    }

    /// <summary>Names of the answer's feature columns.</summary>
    /// <exception cref="RetrievalException">Two columns would have one name.</exception>
    public IReadOnlyList<string> ColumnNames(bool fullFeatureNames)
    {
        var names = Views.SelectMany(v => v.Table.Features.Select(f => fullFeatureNames ? $"{v.NameToUse}__{f}" : f)).ToArray();
        var twice = names.GroupBy(n => n).Where(g => g.Count() > 1).Select(g => g.Key).ToArray();
        return twice.Length == 0
            ? names
            : throw new RetrievalException(
                RetrievalFault.Invalid, $"Several views have {string.Join(", ", twice)}; ask with full_feature_names to tell them apart.");
    }

    private static PlannedView Plan(
        RegistrySnapshot snapshot, string viewName, string nameToUse, IReadOnlyList<string> features, IReadOnlyDictionary<string, string> joinKeyMap)
    {
        if (!snapshot.FeatureViews.TryGetValue(viewName, out var view))
        {
            throw new RetrievalException(RetrievalFault.NotFound, $"The feature view '{viewName}' is not in the registry; run 'fstore apply'.");
        }

        return new PlannedView(
            view,
            new OnlineTable(snapshot.Project, view.Name, features),
            nameToUse,
            [.. view.JoinKeys.Select(k => joinKeyMap.GetValueOrDefault(k.Name, k.Name))]);
    }
}
