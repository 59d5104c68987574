using FeatureStore.Serving;
using FeatureStore.Serving.Http;
using Microsoft.AspNetCore.Http;

namespace FeatureStore.Scoring.Online;

/// <summary><c>POST /score</c>: <c>{"model": …, "entities": {join key: [values]}, "request_id": …}</c>.</summary>
internal sealed class ScoreEndpoint(OnlineScorer scorer)
{
    public const string Path = "/score";

    public async Task RunAsync(ServingRuntime runtime, HttpContext context)
    {
        using var document = await HttpBody.ReadAsync(context);
        var body = document.RootElement;
        var model = HttpBody.RequiredText(body, "model");
        var requestId = HttpBody.Text(body, "request_id");
        var lists = OnlineFeaturesEndpoint.EntityLists(runtime, body);
        using var call = scorer.Begin(model);
        var batch = await call.RunAsync(OnlineFeaturesEndpoint.Entities(context, call.Plan, lists), requestId, context.RequestAborted);
        await HttpAnswers.WriteAsync(context, StatusCodes.Status200OK, writer => ScoreJson.Write(writer, batch));
    }
}
