using FeatureStore.Registry.Definitions;

namespace FeatureStore.Registry.Validation;

/// <summary>Rules for feature services: each view and feature is there, and taken once.</summary>
internal static class ServiceRules
{
    public static void Check(
        FeatureServiceDefinition service,
        IReadOnlyDictionary<string, FeatureViewDefinition> views,
        IReadOnlyDictionary<string, EntityDefinition> entities,
        IReadOnlyList<OnDemandViewDefinition> onDemand,
        FaultList faults)
    {
        foreach (var twice in service.Features.GroupBy(f => f.NameToUse).SelectMany(g => g.Skip(1)))
        {
            faults.Add(twice.Place, $"{service.Header.Block.What} takes view '{twice.NameToUse}' twice; join the two, or give one another name by 'with_name'.");
        }

        foreach (var item in service.Features)
        {
            // The dictionary finds names without regard to case, but references are exact.
            if (views.TryGetValue(item.View, out var view) && view.Header.Name == item.View)
            {
                CheckFeatures(item, view, entities, faults);
            }
            else if (onDemand.FirstOrDefault(v => v.Header.Name == item.View) is { } made)
            {
                CheckFeatures(item, [], [.. made.Features.Select(f => f.Field.Name)], faults);
            }
            else
            {
                faults.Add(item.Place, $"There is no feature view '{item.View}'; {NameChoice.Of(views.Values.Select(v => v.Header.Name).Concat(onDemand.Select(v => v.Header.Name)))}");
            }
        }
    }

    /// <summary>The features of an item are those of its view, each once, and its join keys are the view's.</summary>
    public static void CheckFeatures(
        ServiceItem item, FeatureViewDefinition view, IReadOnlyDictionary<string, EntityDefinition> entities, FaultList faults)
    {
        string[] joinKeys = [.. view.Entities.Select(e => entities.GetValueOrDefault(e.Text)?.JoinKey).OfType<string>()];
        CheckFeatures(item, joinKeys, [.. view.Schema.Select(f => f.Name).Except(joinKeys)], faults);
    }

    private static void CheckFeatures(ServiceItem item, string[] joinKeyNames, string[] features, FaultList faults)
    {
        if (item.Features is { Count: 0 })
        {
            faults.Add(item.Place, $"The list of features of view '{item.View}' is empty; write the view alone to take all of them.");
        }

        foreach (var key in item.JoinKeyMap.Keys.Except(joinKeyNames))
        {
            faults.Add(item.Place, $"'join_key_map' names '{key}', which is no join key of view '{item.View}'; {NameChoice.Of(joinKeyNames)}");
        }

        var taken = new HashSet<string>();
        foreach (var (name, place) in item.Features ?? [])
        {
            if (!features.Contains(name))
            {
                faults.Add(place, $"View '{item.View}' has no feature '{name}'; {NameChoice.Of(features)}");
            }
            else if (!taken.Add(name))
            {
                faults.Add(place, $"The feature '{name}' is listed twice; remove one.");
            }
        }
    }
}
