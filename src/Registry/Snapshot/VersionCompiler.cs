using Feast.Core;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Validation;
using Google.Protobuf;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Snapshot;

/// <summary>Compiles the versions of views that the registry keeps whole, so that each can be read with the schema it had.</summary>
internal static class VersionCompiler
{
    private const string Plain = "feature_view";
    private const string Stream = "stream_feature_view";

    /// <param name="compile">Compiles a view.</param>
    public static Dictionary<(string View, int Version), FeatureViewModel> Views(
        RegistryProto registry, RepoConfig config, Func<FeatureViewSpec, FeatureViewModel> compile)
    {
        var versions = new Dictionary<(string, int), FeatureViewModel>();
        if (!config.Registry.EnableOnlineFeatureViewVersioning)
        {
            return versions;
        }

        foreach (var record in registry.FeatureViewVersionHistory?.Records ?? [])
        {
            if (record.ProjectId == config.Project && record.FeatureViewType is Plain or Stream && View(record, compile) is { } view)
            {
                versions.TryAdd((record.FeatureViewName, record.VersionNumber), view);
            }
        }

        return versions;
    }

    // History must not keep the present from being served: what cannot be understood is no version that can be read.
    private static FeatureViewModel? View(FeatureViewVersionRecord record, Func<FeatureViewSpec, FeatureViewModel> compile)
    {
        try
        {
            var spec = record.FeatureViewType == Stream
                ? SnapshotCompiler.AsFeatureView(StreamFeatureView.Parser.ParseFrom(record.FeatureViewProto).Spec)
                : FeatureView.Parser.ParseFrom(record.FeatureViewProto).Spec;
            return spec is null ? null : compile(spec) with { VersionNumber = record.VersionNumber, VersionedOnline = true };
        }
        catch (Exception e) when (e is RegistryException or InvalidProtocolBufferException or DefinitionException)
        {
            return null;
        }
    }
}
