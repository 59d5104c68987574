using FeatureStore.Registry.Definitions;

namespace FeatureStore.Registry.Validation;

/// <summary>Rules for feature services: each view and feature is there, and taken once.</summary>
internal static class ServiceRules
{
    public static void Check(
        FeatureServiceDefinition service,
        IReadOnlyDictionary<string, FeatureViewDefinition> views,
        IReadOnlyDictionary<string, EntityDefinition> entities,
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
            else
            {
                faults.Add(item.Place, $"There is no feature view '{item.View}'; {NameChoice.Of(views.Values.Select(v => v.Header.Name))}");
            }
        }
    }

    private static void CheckFeatures(
        ServiceItem item, FeatureViewDefinition view, IReadOnlyDictionary<string, EntityDefinition> entities, FaultList faults)
    {
        if (item.Features is { Count: 0 })
        {
            faults.Add(item.Place, $"The list of features of view '{item.View}' is empty; write the view alone to take all of them.");
        }

        var joinKeys = view.Entities.Select(e => entities.GetValueOrDefault(e.Text)?.JoinKey);
        string[] joinKeyNames = [.. joinKeys.OfType<string>()];
        foreach (var key in item.JoinKeyMap.Keys.Except(joinKeyNames))
        {
            faults.Add(item.Place, $"'join_key_map' names '{key}', which is no join key of view '{item.View}'; {NameChoice.Of(joinKeyNames)}");
        }

        var features = view.Schema.Select(f => f.Name).Except(joinKeyNames).ToArray();
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
