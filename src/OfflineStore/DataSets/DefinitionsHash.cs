using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FeatureStore.OfflineStore.PointInTime;

namespace FeatureStore.OfflineStore.DataSets;

/// <summary>A hash over everything in the definitions that decides a value of a data set.</summary>
internal static class DefinitionsHash
{
    public static string Of(SelectedFeatures selected)
    {
        var text = new StringBuilder();
        foreach (var view in selected.Views)
        {
            Describe(text, view);
        }

        foreach (var view in selected.OnDemand)
        {
            Describe(text, view);
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    private static void Describe(StringBuilder text, SelectedExpressions view)
    {
        var culture = CultureInfo.InvariantCulture;
        text.Append(culture, $"on demand {view.View} as {view.Name}\n");
        foreach (var (input, _, _) in view.Inputs)
        {
            text.Append(culture, $"input {input.View} {input.Field.Name} {input.Field.Type}\n");
        }

        foreach (var feature in view.Features)
        {
            text.Append(culture, $"expression {feature.Field.Name} {feature.Field.Type} {feature.Text}\n");
        }
    }

    private static void Describe(StringBuilder text, SelectedView view)
    {
        var culture = CultureInfo.InvariantCulture;
        var source = view.View.Source;
        text.Append(culture, $"view {view.View.Name} as {view.Name} ttl {view.View.Ttl.Ticks}\n");
        text.Append(culture, $"source {source.Path} {source.TimestampField} {source.CreatedTimestampColumn}\n");
        foreach (var (key, column) in view.Keys.Zip(view.LabelKeys))
        {
            text.Append(culture, $"key {key.Name} {key.Type} {source.ColumnOf(key.Name)} from {column}\n");
        }

        foreach (var feature in view.Features)
        {
            text.Append(culture, $"feature {feature.Name} {feature.Type} {source.ColumnOf(feature.Name)}\n");
        }

        if (view.View.Aggregated is not { } aggregated)
        {
            return;
        }

        text.Append(culture, $"window {aggregated.SourcePath} {aggregated.EventTimeColumn} {aggregated.Window.Ticks} {aggregated.EmptyWindowZero}\n");
        foreach (var aggregation in aggregated.Aggregations)
        {
            text.Append(culture, $"aggregation {aggregation.Name} {aggregation.Function} {aggregation.Column}\n");
        }
    }
}
