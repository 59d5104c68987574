using System.Text.Json;
using Feast.Types;
using FeatureStore.Contract.Values;
using FeatureStore.Serving.Retrieval;
using Microsoft.AspNetCore.Http;

namespace FeatureStore.Serving.Http;

/// <summary><c>POST /get-online-features</c>.</summary>
internal static class OnlineFeaturesEndpoint
{
    /// <summary>Under which the request keeps its plan, for its record.</summary>
    public static readonly object PlanItem = new();

    public static async Task RunAsync(ServingRuntime runtime, HttpContext context)
    {
        using var document = await HttpBody.ReadAsync(context);
        var body = document.RootElement;
        var lists = HttpBody.Lists(body, "entities").ToArray();
        foreach (var (_, list) in lists)
        {
            runtime.Limits.CheckRows(list.GetArrayLength());
        }

        // A service wins over references, as in Feast.
        var service = HttpBody.Text(body, "feature_service");
        var references = HttpBody.Texts(body, "features", runtime.Limits.CheckFeatures);
        var full = HttpBody.Boolean(body, "full_feature_names", fallback: false);
        var withVersions = HttpBody.Boolean(body, "include_feature_view_version_metadata", fallback: false);
        var plans = runtime.Plans;
        var plan = string.IsNullOrEmpty(service) ? plans.References(references) : plans.Service(service);
        context.Items[PlanItem] = plan;
        var entities = Array.ConvertAll(lists, l => new EntityColumn(l.Name, Values(plan, l.Name, l.List)));
        var answer = await runtime.Reader.ReadAsync(plan, entities, full, context.RequestAborted);
        await HttpAnswers.WriteAsync(context, StatusCodes.Status200OK, writer => OnlineFeaturesJson.Write(writer, answer, withVersions));
    }

    private static Value[] Values(RetrievalPlan plan, string name, JsonElement list)
    {
        var values = new Value[list.GetArrayLength()];
        if (plan.Column(name) is not { } column)
        {
            // Ignored, but for its length.
            return values;
        }

        var row = 0;
        foreach (var element in list.EnumerateArray())
        {
            try
            {
                values[row++] = EntityValueConverter.FromJson(element, column.Type);
            }
            catch (EntityValueException e)
            {
                throw new RetrievalException(RetrievalFault.Invalid, $"Join key '{name}': {e.Message}");
            }
        }

        return values;
    }
}
