using System.Text.Json;
using FeatureStore.Contract.Values;
using FeatureStore.Serving.Retrieval;
using FeatureStore.Serving.Writing;
using Microsoft.AspNetCore.Http;

namespace FeatureStore.Serving.Http;

/// <summary><c>POST /push</c> and <c>POST /write-to-online-store</c>.</summary>
internal static class WriteEndpoints
{
    public static async Task PushAsync(ServingRuntime runtime, HttpContext context)
    {
        using var document = await HttpBody.ReadAsync(context);
        var source = HttpBody.RequiredText(document.RootElement, "push_source_name");
        var to = HttpBody.Text(document.RootElement, "to") ?? "online";
        var columns = Columns(runtime, document.RootElement);
        await runtime.Pusher.PushAsync(runtime.Plans.Snapshot, source, to, columns, context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.ContentLength = 0;
    }

    public static async Task WriteAsync(ServingRuntime runtime, HttpContext context)
    {
        using var document = await HttpBody.ReadAsync(context);
        var view = HttpBody.RequiredText(document.RootElement, "feature_view_name");
        var columns = Columns(runtime, document.RootElement);
        var transform = HttpBody.Boolean(document.RootElement, "transform_on_write", fallback: true);
        await runtime.Pusher.WriteAsync(runtime.Plans.Snapshot, view, columns, transform, context.RequestAborted);
        await HttpAnswers.NullAsync(context);
    }

    private static PushedColumns Columns(ServingRuntime runtime, JsonElement body)
    {
        var columns = new List<KeyValuePair<string, IReadOnlyList<object?>>>();
        foreach (var (name, list) in HttpBody.Lists(body, "df"))
        {
            runtime.Limits.CheckRows(list.GetArrayLength());
            try
            {
                columns.Add(new(name, [.. list.EnumerateArray().Select(FeatureValues.FromJson)]));
            }
            catch (FeatureValueException e)
            {
                throw new RetrievalException(RetrievalFault.Invalid, $"Column '{name}': {e.Message}");
            }
        }

        return new PushedColumns(columns);
    }
}
