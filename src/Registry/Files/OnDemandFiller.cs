using System.Text;
using Feast.Core;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Definitions;
using FeatureStore.Registry.Snapshot;
using Google.Protobuf;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Registry.Files;

/// <summary>Writes on-demand views of expressions so that Feast reads them as views of its own, though it cannot compute them.</summary>
internal sealed class OnDemandFiller(ObjectFiller filler, RepoConfig config, RepoDefinitions definitions)
{
    private const string ViewType = "onDemandFeatureView";
    private const string Mode = "python";
    private const string Note = "# Expressions of fstore, in the tag " + ExpressionsJson.Tag + ". Feast lists this view and cannot compute it.";

    // Feast reads no view without a function. This names one of Python's own, which gives the inputs back, so that Feast misses the outputs and says so.
    private static readonly ByteString Function = ByteString.CopyFrom("ccopy\ncopy\n.", Encoding.ASCII);

    /// <summary>Fills a view; its sources must be in the registry.</summary>
    public void Fill(OnDemandFeatureView view, OnDemandViewDefinition definition)
    {
        var spec = view.Spec ??= new OnDemandFeatureViewSpec();
        (spec.Name, spec.Project, spec.Mode) = (definition.Header.Name, config.Project, Mode);
        (spec.Description, spec.Owner) = (definition.Header.Description, definition.Header.Owner);
        spec.Version = spec.Version.Length == 0 ? ObjectFiller.LatestVersion : spec.Version;
        spec.FeatureTransformation = new FeatureTransformationV2
        {
            UserDefinedFunction = new UserDefinedFunctionV2 { Name = spec.Name, Body = Function, BodyText = Note, Mode = Mode },
        };
        spec.Entities.Clear();
        spec.Entities.Add(ObjectFiller.NoEntity);
        ObjectFiller.Replace(spec.EntityColumns, [(ObjectFiller.NoEntityKey, Kind.String, string.Empty)]);
        ObjectFiller.Replace(spec.Features, definition.Features.Select(f => (f.Field.Name, f.Field.Type, f.Field.Description)));
        ObjectFiller.Replace(spec.Tags, new Dictionary<string, string>(definition.Header.Tags)
        {
            [ExpressionsJson.Tag] = ExpressionsJson.Write(definition.Features.Select(f => (f.Field.Name, f.Text))),
        });
        spec.Sources.Clear();
        foreach (var source in definition.Sources)
        {
            spec.Sources[source.NameToUse] = Source(source);
        }
    }

    /// <summary>An on-demand view as services hold it.</summary>
    public static FeatureViewProjection Projection(OnDemandFeatureViewSpec spec, ServiceItem item)
    {
        var projection = new FeatureViewProjection { FeatureViewName = spec.Name, FeatureViewNameAlias = item.Alias ?? string.Empty, ViewType = ViewType };
        projection.FeatureColumns.Add(item.Features is null ? spec.Features.Select(f => f.Clone()) : item.Features.Select(wanted => spec.Features.First(f => f.Name == wanted.Text).Clone()));
        return projection;
    }

    private OnDemandSource Source(ServiceItem source)
    {
        if (definitions.AllViews.Any(v => v.Header.Name == source.View))
        {
            return new OnDemandSource { FeatureViewProjection = filler.Projection(source) };
        }

        var request = filler.Embedded(source.View);
        request.DataSourceClassType = string.Empty;
        return new OnDemandSource { RequestDataSource = request };
    }
}
