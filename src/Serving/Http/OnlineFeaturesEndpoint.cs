using System.Text.Json;
using Feast.Types;
using FeatureStore.Contract.Values;
using FeatureStore.Serving.Retrieval;
using Microsoft.AspNetCore.Http;

namespace FeatureStore.Serving.Http;

/// <summary><c>POST /get-online-features</c>.</summary>
public static class OnlineFeaturesEndpoint
{
    /// <summary>Under which the request keeps its plan, for its record.</summary>
    internal static readonly object PlanItem = new();

    internal static async Task RunAsync(ServingRuntime runtime, HttpContext context)
    {
        using var document = await HttpBody.ReadAsync(context);
        var body = document.RootElement;
        var lists = EntityLists(runtime, body);

        // A service wins over references, as in Feast.
        var service = HttpBody.Text(body, "feature_service");
        var references = HttpBody.Texts(body, "features", runtime.Limits.CheckFeatures);
        var full = HttpBody.Boolean(body, "full_feature_names", fallback: false);
        var withVersions = HttpBody.Boolean(body, "include_feature_view_version_metadata", fallback: false);
        var plans = runtime.Plans;
        var plan = string.IsNullOrEmpty(service) ? plans.References(references) : plans.Service(service);
        var entities = Entities(context, plan, [.. lists, .. RequestContext(body, plan)]);
        var answer = await runtime.Reader.ReadAsync(plan, entities, full, context.RequestAborted);
        await HttpAnswers.WriteAsync(context, StatusCodes.Status200OK, writer => OnlineFeaturesJson.Write(writer, answer, withVersions));
    }

    /// <summary>The lists of <c>entities</c>, none longer than the limit.</summary>
    /// <exception cref="HttpBodyException">They are not there, or no lists.</exception>
    public static (string Name, JsonElement List)[] EntityLists(ServingRuntime runtime, JsonElement body)
    {
        var lists = HttpBody.Lists(body, "entities").ToArray();
        foreach (var (_, list) in lists)
        {
            runtime.Limits.CheckRows(list.GetArrayLength());
        }

        return lists;
    }

    /// <summary>The lists in the types that the plan's views declare; the request's record tells the plan's size from here on.</summary>
    /// <exception cref="RetrievalException">A value is of another type.</exception>
    public static EntityColumn[] Entities(HttpContext context, RetrievalPlan plan, (string Name, JsonElement List)[] lists)
    {
        context.Items[PlanItem] = plan;
        return Array.ConvertAll(lists, l => new EntityColumn(l.Name, Values(plan, l.Name, l.List)));
    }

    /// <summary>The lists of <c>request_context</c> that on-demand views take; the others are ignored, as in Feast.</summary>
    private static IEnumerable<(string Name, JsonElement List)> RequestContext(JsonElement body, RetrievalPlan plan) =>
        body.TryGetProperty("request_context", out var context) && context.ValueKind == JsonValueKind.Object && plan.RequestFields.Count > 0
            ? HttpBody.Lists(body, "request_context").Where(l => plan.Column(l.Name) is { IsRequestData: true })
            : [];

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
            if (column.IsRequestData && element.ValueKind == JsonValueKind.Null)
            {
                values[row++] = new Value();
                continue;
            }

            try
            {
                values[row++] = EntityValueConverter.FromJson(element, column.Type);
            }
            catch (EntityValueException e)
            {
                throw new RetrievalException(RetrievalFault.Invalid, $"{(column.IsRequestData ? "Request field" : "Join key")} '{name}': {e.Message}");
            }
        }

        return values;
    }
}
