using Feast.Core;
using FeatureStore.Registry.Snapshot;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Files;

/// <summary>
/// Keeps the versions of a project's views as Feast's apply does: a view begins as version 0, and a change of what it
/// stores (features, entities, what it computes) makes one more, with a copy of the view. Other changes make none.
/// </summary>
internal sealed class ViewVersions(RegistryProto registry, string project, Timestamp now)
{
    private const string PlainType = "feature_view";
    private const string StreamType = "stream_feature_view";

    /// <summary>Notes a new view.</summary>
    public void Added(IMessage view)
    {
        if (Of(view) is { } added)
        {
            Keep(added, added.Meta.CurrentVersionNumber);
        }
    }

    /// <summary>Notes a changed view, and gives it the next number if what it stores has changed.</summary>
    public void Changed(IMessage before, IMessage after)
    {
        if (Of(before) is not { } old || Of(after) is not { } next)
        {
            return;
        }

        if (StoresTheSame(old, next))
        {
            Keep(next, next.Meta.CurrentVersionNumber);
            return;
        }

        Keep(old, old.Meta.CurrentVersionNumber);
        next.Meta.CurrentVersionNumber = Records(next.Name).Max(r => r.VersionNumber) + 1;
        var record = Keep(next, next.Meta.CurrentVersionNumber);
        next.Meta.VersionId = next.Meta.VersionId.Length == 0 ? string.Empty : record.VersionId;
    }

    /// <summary>Whether a change makes a new version.</summary>
    public static bool StartsNew(IMessage before, IMessage after) => Of(before) is { } old && Of(after) is { } next && !StoresTheSame(old, next);

    /// <summary>Forgets a removed view; one of its name that comes later begins anew.</summary>
    public void Removed(IMessage view)
    {
        if (Of(view) is { } gone)
        {
            foreach (var record in Records(gone.Name).ToArray())
            {
                registry.FeatureViewVersionHistory.Records.Remove(record);
            }
        }
    }

    private static bool StoresTheSame(View one, View two) =>
        Columns(one.Features).SetEquals(Columns(two.Features)) && one.Entities.SequenceEqual(two.Entities) && Columns(one.Keys).SetEquals(Columns(two.Keys))
        && one.Tags.GetValueOrDefault(AggregatedJson.Tag) == two.Tags.GetValueOrDefault(AggregatedJson.Tag);

    private static HashSet<(string, int)> Columns(RepeatedField<FeatureSpecV2> columns) => [.. columns.Select(c => (c.Name, (int)c.ValueType))];

    private static View? Of(IMessage message) => message switch
    {
        FeatureView view => new View(PlainType, view.Spec.Name, view.Spec.Features, view.Spec.Entities, view.Spec.EntityColumns, view.Spec.Tags, view.Meta ??= new FeatureViewMeta(), view),
        StreamFeatureView view => new View(StreamType, view.Spec.Name, view.Spec.Features, view.Spec.Entities, view.Spec.EntityColumns, view.Spec.Tags, view.Meta ??= new FeatureViewMeta(), view),
        _ => null,
    };

    private IEnumerable<FeatureViewVersionRecord> Records(string view) =>
        (registry.FeatureViewVersionHistory?.Records ?? []).Where(r => r.ProjectId == project && r.FeatureViewName == view);

    /// <summary>The record of a version, made if there is none.</summary>
    private FeatureViewVersionRecord Keep(View view, int version)
    {
        if (Records(view.Name).FirstOrDefault(r => r.VersionNumber == version) is { } known)
        {
            return known;
        }

        var record = new FeatureViewVersionRecord
        {
            FeatureViewName = view.Name,
            ProjectId = project,
            VersionNumber = version,
            FeatureViewType = view.Type,
            FeatureViewProto = view.Message.ToByteString(),
            CreatedTimestamp = now,
            VersionId = Guid.NewGuid().ToString(),
        };
        (registry.FeatureViewVersionHistory ??= new FeatureViewVersionHistory()).Records.Add(record);
        return record;
    }

    private sealed record View(
        string Type,
        string Name,
        RepeatedField<FeatureSpecV2> Features,
        RepeatedField<string> Entities,
        RepeatedField<FeatureSpecV2> Keys,
        MapField<string, string> Tags,
        FeatureViewMeta Meta,
        IMessage Message);
}
