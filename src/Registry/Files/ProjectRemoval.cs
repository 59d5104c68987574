using Google.Protobuf.Collections;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Files;

/// <summary>Takes one project out of a registry that may hold several.</summary>
internal static class ProjectRemoval
{
    /// <summary>Removes everything of a project, and answers what it was, as kind and name.</summary>
    public static IReadOnlyList<PlannedChange> Remove(RegistryProto registry, string project)
    {
        var removed = new List<PlannedChange>();
        Take(registry.FeatureServices, PlannedChange.FeatureService, s => s.Spec?.Project == project, s => s.Spec.Name, removed);
        Take(registry.OnDemandFeatureViews, "on demand feature view", v => v.Spec?.Project == project, v => v.Spec.Name, removed);
        Take(registry.StreamFeatureViews, "stream feature view", v => v.Spec?.Project == project, v => v.Spec.Name, removed);
        Take(registry.LabelViews, "label view", v => v.Spec?.Project == project, v => v.Spec.Name, removed);
        Take(registry.FeatureViews, "feature view", v => v.Spec?.Project == project, v => v.Spec.Name, removed);
        Take(registry.Entities, "entity", e => e.Spec?.Project == project, e => e.Spec.Name, removed);
        Take(registry.DataSources, "source", s => s.Project == project, s => s.Name, removed);
        Take(registry.SavedDatasets, "saved dataset", d => d.Spec?.Project == project, d => d.Spec.Name, removed);
        Take(registry.ValidationReferences, "validation reference", r => r.Project == project, r => r.Name, removed);
        Take(registry.Permissions, "permission", p => p.Spec?.Project == project, p => p.Spec.Name, removed);
        Take(registry.Projects, "project", p => p.Spec?.Name == project, p => p.Spec.Name, removed);

        // What has no name of its own goes unsaid.
        List<PlannedChange> unsaid = [];
        Take(registry.ProjectMetadata, string.Empty, m => m.Project == project, m => m.Project, unsaid);
        Take(registry.FeatureViewVersionHistory?.Records ?? [], string.Empty, r => r.ProjectId == project, r => r.FeatureViewName, unsaid);
        Take(registry.Infra?.InfraObjects ?? [], string.Empty, o => IsTableOf(o.SqliteTable?.Name, project, registry), o => o.InfraObjectClassType, unsaid);
        return removed;
    }

    /// <summary>True if no object of any project is left.</summary>
    public static bool IsEmpty(RegistryProto registry) =>
        registry is
        {
            Entities.Count: 0,
            FeatureViews.Count: 0,
            FeatureServices.Count: 0,
            OnDemandFeatureViews.Count: 0,
            StreamFeatureViews.Count: 0,
            LabelViews.Count: 0,
            DataSources.Count: 0,
            SavedDatasets.Count: 0,
            ValidationReferences.Count: 0,
            Permissions.Count: 0,
            Projects.Count: 0,
        };

    // 'a_b' is a prefix of the tables of the project 'a_b_c' too, so a longer project that is still there keeps its own.
    private static bool IsTableOf(string? table, string project, RegistryProto registry) =>
        table?.StartsWith($"{project}_", StringComparison.Ordinal) == true
        && !registry.Projects.Any(p => p.Spec is { } other && other.Name.Length > project.Length && table.StartsWith($"{other.Name}_", StringComparison.Ordinal));

    private static void Take<T>(RepeatedField<T> objects, string kind, Predicate<T> ofProject, Func<T, string> name, List<PlannedChange> removed)
    {
        for (var i = objects.Count - 1; i >= 0; i--)
        {
            if (ofProject(objects[i]))
            {
                removed.Add(new PlannedChange(ChangeKind.Removed, kind, name(objects[i]), [], ChangeCosts.None));
                objects.RemoveAt(i);
            }
        }
    }
}
