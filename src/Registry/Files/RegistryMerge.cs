using Feast.Core;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Definitions;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Registry.Validation;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Files;

/// <summary>
/// Merges definitions into a registry in memory. An object that is there is cloned, given what its definition says, and
/// compared: so what definitions cannot say stays, and an unchanged repo changes nothing. Used once.
/// </summary>
internal sealed class RegistryMerge(RegistryProto registry, RepoConfig config, Timestamp now)
{
    private const string Spec = "spec.";

    private readonly List<PlannedChange> _changes = [];
    private readonly ObjectFiller _filler = new(registry, config);
    private readonly ViewVersions _versions = new(registry, config.Project, now);
    private bool _dirty;

    public IReadOnlyList<PlannedChange> Changes => _changes;

    /// <summary>True if the registry has to be written.</summary>
    /// <exception cref="RegistryException">A view's name is taken by an on-demand or stream view.</exception>
    public bool Run(RepoDefinitions definitions)
    {
        CheckNamesAreFree(definitions);
        AddProject();
        var kept = new KeptReferences(registry, config.Project);

        // Views hold a copy of their source, and services of their views: the order matters.
        Merge(
            registry.DataSources,
            "source",
            s => s.Project == config.Project ? s.Name : null,
            definitions.Sources.Select(d => (d.Header.Name, (Action<DataSource>)(s => _filler.Fill(s, d))))
                .Concat(definitions.PushSources.Select(d => (d.Header.Name, (Action<DataSource>)(s => _filler.Fill(s, d)))))
                .Concat(definitions.RequestSources.Select(d => (d.Header.Name, (Action<DataSource>)(s => _filler.Fill(s, d))))),
            s => KeptReferences.CanSay(s) && !kept.Sources.Contains(s.Name),
            s => ((s.Meta ??= new DataSource.Types.SourceMeta()).CreatedTimestamp, s.Meta.LastUpdatedTimestamp) = (s.Meta.CreatedTimestamp ?? now, now));
        Merge(
            registry.Entities,
            "entity",
            e => e.Spec?.Project == config.Project ? e.Spec.Name : null,
            definitions.Entities.Select(d => (d.Header.Name, (Action<Entity>)(e => _filler.Fill(e, d)))).Prepend((ObjectFiller.NoEntity, _filler.FillNoEntity)),
            e => !kept.Entities.Contains(e.Spec.Name),
            e => ((e.Meta ??= new EntityMeta()).CreatedTimestamp, e.Meta.LastUpdatedTimestamp) = (e.Meta.CreatedTimestamp ?? now, now));
        Merge(
            registry.FeatureViews,
            "feature view",
            v => v.Spec?.Project == config.Project ? v.Spec.Name : null,
            definitions.FeatureViews.Select(d => (d.Header.Name, (Action<FeatureView>)(v => _filler.Fill(v, d, definitions)))),
            _ => true,
            v => ((v.Meta ??= new FeatureViewMeta()).CreatedTimestamp, v.Meta.LastUpdatedTimestamp) = (v.Meta.CreatedTimestamp ?? now, now));
        Merge(
            registry.StreamFeatureViews,
            "stream feature view",
            v => v.Spec?.Project == config.Project ? v.Spec.Name : null,
            definitions.StreamFeatureViews.Select(d => (d.View.Header.Name, (Action<StreamFeatureView>)(v => _filler.Fill(v, d, definitions)))),
            KeptReferences.CanSay,
            v => ((v.Meta ??= new FeatureViewMeta()).CreatedTimestamp, v.Meta.LastUpdatedTimestamp) = (v.Meta.CreatedTimestamp ?? now, now));
        Merge(
            registry.OnDemandFeatureViews,
            "on demand feature view",
            v => v.Spec?.Project == config.Project ? v.Spec.Name : null,
            definitions.OnDemandFeatureViews.Select(d => (d.Header.Name, (Action<OnDemandFeatureView>)(v => new OnDemandFiller(_filler, config, definitions).Fill(v, d)))),
            KeptReferences.CanSay,
            v => ((v.Meta ??= new OnDemandFeatureViewMeta()).CreatedTimestamp, v.Meta.LastUpdatedTimestamp) = (v.Meta.CreatedTimestamp ?? now, now));
        Merge(
            registry.FeatureServices,
            PlannedChange.FeatureService,
            s => s.Spec?.Project == config.Project ? s.Spec.Name : null,
            definitions.FeatureServices.Select(d => (d.Header.Name, (Action<FeatureService>)(s => _filler.Fill(s, d)))),
            _ => true,
            s => ((s.Meta ??= new FeatureServiceMeta()).CreatedTimestamp, s.Meta.LastUpdatedTimestamp) = (s.Meta.CreatedTimestamp ?? now, now));
        return _dirty;
    }

    private void Merge<T>(
        RepeatedField<T> objects,
        string kind,
        Func<T, string?> nameInProject,
        IEnumerable<(string Name, Action<T> Fill)> wanted,
        Func<T, bool> mayBeRemoved,
        Action<T> touch)
        where T : class, IMessage<T>, IDeepCloneable<T>, new()
    {
        var names = new HashSet<string>();
        foreach (var (name, fill) in wanted)
        {
            names.Add(name);
            var index = IndexOf(objects, o => nameInProject(o) == name);
            var next = index < 0 ? new T() : objects[index].Clone();
            fill(next);
            if (index < 0)
            {
                touch(next);
                _versions.Added(next);
                objects.Add(next);
                Note(new PlannedChange(ChangeKind.Added, kind, name, [], ViewCosts.OfNew(next)));
            }
            else if (!next.Equals(objects[index]))
            {
                NoteChanged(kind, name, objects[index], next);
                touch(next);
                _versions.Changed(objects[index], next);
                objects[index] = next;
            }
        }

        for (var i = objects.Count - 1; i >= 0; i--)
        {
            if (nameInProject(objects[i]) is { } name && !names.Contains(name) && mayBeRemoved(objects[i]))
            {
                Note(new PlannedChange(ChangeKind.Removed, kind, name, [], ViewCosts.OfRemoved(objects[i])));
                _versions.Removed(objects[i]);
                objects.RemoveAt(i);
            }
        }
    }

    private void NoteChanged<T>(string kind, string name, T before, T after)
        where T : class, IMessage<T>
    {
        FieldChange[] fields = [.. MessageDiff.Compare(before, after).Where(f => !IsTimeOfACopy(f))];
        if (fields.Length == 0)
        {
            _dirty = true;
            return;
        }

        var costs = ViewCosts.OfChanged(before, after, fields);
        if (config.Registry.EnableOnlineFeatureViewVersioning && ViewVersions.StartsNew(before, after) && ViewCosts.OfNew(after).HasFlag(ChangeCosts.Materialize))
        {
            // Its rows lie apart from those of the version before, so there are none yet.
            costs |= ChangeCosts.Materialize;
        }

        Note(new PlannedChange(ChangeKind.Changed, kind, name, [.. fields.SelectMany(f => Readable(f, before, after))], costs));
    }

    // Views and services hold copies of their sources, whose times change with the source that is told already.
    private static bool IsTimeOfACopy(FieldChange change) =>
        change.Field.Contains("source.meta.created_timestamp", StringComparison.Ordinal) || change.Field.Contains("source.meta.last_updated_timestamp", StringComparison.Ordinal)
        || change.Field.EndsWith("source.meta", StringComparison.Ordinal);

    /// <summary>A field by the name that a definition has for it; the tags of aggregated views and of expressions are told key by key.</summary>
    private static IEnumerable<FieldChange> Readable(FieldChange change, IMessage before, IMessage after) =>
        change.Field == $"{Spec}tags.{AggregatedJson.Tag}" && before is FeatureView old && after is FeatureView next
            ? AggregatedJson.Compare(old.Spec.Tags.GetValueOrDefault(AggregatedJson.Tag), next.Spec.Tags.GetValueOrDefault(AggregatedJson.Tag))
            : change.Field == $"{Spec}tags.{ExpressionsJson.Tag}" && before is OnDemandFeatureView was && after is OnDemandFeatureView now
            ? ExpressionsJson.Compare(was.Spec.Tags.GetValueOrDefault(ExpressionsJson.Tag), now.Spec.Tags.GetValueOrDefault(ExpressionsJson.Tag))
            : [WithoutSpec(change)];

    private static FieldChange WithoutSpec(FieldChange change) =>
        change.Field.StartsWith(Spec, StringComparison.Ordinal) ? change with { Field = change.Field[Spec.Length..] } : change;

    private void Note(PlannedChange change)
    {
        _dirty = true;
        if (change.Name != ObjectFiller.NoEntity)
        {
            _changes.Add(change);
        }
    }

    private void AddProject()
    {
        var project = registry.Projects.FirstOrDefault(p => p.Spec?.Name == config.Project);
        if (project is not null && config.ProjectDescription is { } description && project.Spec.Description != description)
        {
            Note(new PlannedChange(ChangeKind.Changed, "project", config.Project, [new FieldChange("description", project.Spec.Description, description)], ChangeCosts.None));
            (project.Spec.Description, (project.Meta ??= new ProjectMeta()).LastUpdatedTimestamp) = (description, now);
        }
        else if (project is null)
        {
            registry.Projects.Add(new Project
            {
                Spec = new ProjectSpec { Name = config.Project, Description = config.ProjectDescription ?? string.Empty },
                Meta = new ProjectMeta { CreatedTimestamp = now, LastUpdatedTimestamp = now },
            });
            _dirty = true;
        }
    }

    private void CheckNamesAreFree(RepoDefinitions definitions)
    {
        var taken = registry.OnDemandFeatureViews.Where(v => v.Spec?.Project == config.Project && !KeptReferences.CanSay(v)).Select(v => v.Spec.Name)
            .Concat(registry.StreamFeatureViews.Where(v => v.Spec?.Project == config.Project && !KeptReferences.CanSay(v)).Select(v => v.Spec.Name))
            .ToHashSet();
        if (definitions.AllViews.Select(v => v.Header).Concat(definitions.OnDemandFeatureViews.Select(v => v.Header)).FirstOrDefault(h => taken.Contains(h.Name)) is { } view)
        {
            var place = view.Block.PlaceOf("name");
            throw new RegistryException(
                $"{place.File}:{place.Line}: the registry has an on-demand or stream view '{view.Name}' already; rename the feature view, or delete the other with Feast.");
        }
    }

    private static int IndexOf<T>(RepeatedField<T> objects, Predicate<T> match)
    {
        for (var i = 0; i < objects.Count; i++)
        {
            if (match(objects[i]))
            {
                return i;
            }
        }

        return -1;
    }
}
