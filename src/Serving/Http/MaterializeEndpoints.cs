using System.Text.Json;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Retrieval;
using FeatureStore.Serving.Writing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FeatureStore.Serving.Http;

/// <summary>
/// <c>POST /materialize</c> and <c>POST /materialize-incremental</c>. The answer comes when all is done, or with
/// <c>?async=true</c> at once.
/// </summary>
internal static class MaterializeEndpoints
{
    public static async Task RangeAsync(ServingRuntime runtime, HttpContext context)
    {
        using var document = await HttpBody.ReadAsync(context);
        var body = document.RootElement;
        var views = Views(runtime, body);
        var whole = HttpBody.Boolean(body, "disable_event_timestamp", fallback: false);
        var (start, end) = whole
            ? (DateTimeOffset.UnixEpoch, runtime.Time.GetUtcNow())
            : (Time(body, "start_ts"), Time(body, "end_ts"));
        if (start > end)
        {
            throw new RetrievalException(RetrievalFault.Invalid, $"start_ts ({start:O}) lies after end_ts ({end:O}); exchange them.");
        }

        var materializer = Materializer(runtime);
        var runs = context.RequestServices.GetRequiredService<MaterializationRuns>();
        if (HttpQuery.Flag(context, "async"))
        {
            var busy = runs.Start(views, HttpQuery.Flag(context, "force"), token => materializer.MaterializeAsync(views, start, end, token));
            await StartedAsync(context, views, busy);
            return;
        }

        await runs.RunAsync(views, token => materializer.MaterializeAsync(views, start, end, token), context.RequestAborted);
        await HttpAnswers.NullAsync(context);
    }

    public static async Task IncrementalAsync(ServingRuntime runtime, HttpContext context)
    {
        using var document = await HttpBody.ReadAsync(context);
        var views = Views(runtime, document.RootElement);
        var (materializer, end) = (Materializer(runtime), Time(document.RootElement, "end_ts"));
        await context.RequestServices.GetRequiredService<MaterializationRuns>()
            .RunAsync(views, token => materializer.MaterializeIncrementalAsync(views, end, token), context.RequestAborted);
        await HttpAnswers.NullAsync(context);
    }

    private static Task StartedAsync(HttpContext context, FeatureViewModel[] views, IReadOnlyList<string> busy)
    {
        var (status, field, text) = busy.Count == 0
            ? (StatusCodes.Status202Accepted, "status", "accepted")
            : (StatusCodes.Status409Conflict, "error", "These feature views are being materialized; wait for the end, or send force=true.");
        return HttpAnswers.WriteAsync(context, status, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString(field, text);
            writer.WriteStartArray("feature_views");
            foreach (var name in busy.Count == 0 ? views.Select(v => v.Name) : busy)
            {
                writer.WriteStringValue(name);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }

    private static IMaterializer Materializer(ServingRuntime runtime) => runtime.Ports.Materializer
        ?? throw new RetrievalException(RetrievalFault.NotSetUp, "This server runs no materialization; run 'fstore materialize' beside the lake.");

    private static FeatureViewModel[] Views(ServingRuntime runtime, JsonElement body)
    {
        var known = runtime.Plans.Snapshot.FeatureViews;
        var names = HttpBody.Texts(body, "feature_views", runtime.Limits.CheckFeatures);
        return names.Length == 0
            ? [.. known.Values.Where(v => v.Online)]
            : Array.ConvertAll(names, n => known.GetValueOrDefault(n)
                ?? throw new RetrievalException(RetrievalFault.ViewNotFound, $"There is no feature view '{n}'; correct the name, or apply."));
    }

    private static DateTimeOffset Time(JsonElement body, string field)
    {
        var text = HttpBody.Text(body, field)
            ?? throw new RetrievalException(RetrievalFault.Invalid, $"'{field}' is missing; send ISO 8601 text such as 2026-11-02T00:00:00.");
        return RowTimes.TryParse(text, out var time)
            ? time
            : throw new RetrievalException(RetrievalFault.Invalid, $"'{field}' is no time; send ISO 8601 text such as 2026-11-02T00:00:00.");
    }
}
