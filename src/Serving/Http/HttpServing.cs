using System.Globalization;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore;
using FeatureStore.Serving.Hosting;
using FeatureStore.Serving.Retrieval;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FeatureStore.Serving.Http;

/// <summary>Feast's HTTP API: its paths, bodies and codes. The one place where an exception becomes an HTTP status.</summary>
internal sealed class HttpServing(ServingRuntime runtime, RequestRecord record, IEnumerable<ServedService> beside, ILogger<HttpServing> log)
{
    private readonly Dictionary<string, (string Method, Func<ServingRuntime, HttpContext, Task> Run)> _endpoints = new(
        beside.Select(b => KeyValuePair.Create(b.HttpPath, (HttpMethods.Post, b.RunHttp))))
    {
        ["/get-online-features"] = (HttpMethods.Post, OnlineFeaturesEndpoint.RunAsync),
        ["/push"] = (HttpMethods.Post, WriteEndpoints.PushAsync),
        ["/write-to-online-store"] = (HttpMethods.Post, WriteEndpoints.WriteAsync),
        ["/materialize"] = (HttpMethods.Post, MaterializeEndpoints.RangeAsync),
        ["/materialize-incremental"] = (HttpMethods.Post, MaterializeEndpoints.IncrementalAsync),
        ["/metrics"] = (HttpMethods.Get, MetricsAsync),
        ["/health"] = (HttpMethods.Get, HealthAsync),
    };

    /// <summary>Answers one request.</summary>
    public Task HandleAsync(HttpContext context)
    {
        if (!_endpoints.TryGetValue(context.Request.Path.Value ?? string.Empty, out var endpoint))
        {
            return HttpAnswers.DetailAsync(context, StatusCodes.Status404NotFound, "Not Found");
        }

        if (context.Request.Method != endpoint.Method)
        {
            context.Response.Headers.Allow = endpoint.Method;
            return HttpAnswers.DetailAsync(context, StatusCodes.Status405MethodNotAllowed, "Method Not Allowed");
        }

        context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = runtime.Limits.MessageBytesMax;
        return RecordedAsync(context, endpoint.Run);
    }

    private static Task MetricsAsync(ServingRuntime runtime, HttpContext context)
    {
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        return runtime.Metrics.WriteAsync(context.Response.Body, context.RequestAborted);
    }

    // Feast's codes: 503 while there is nothing to serve from. While the last requests are answered there is no place for new ones either.
    private static Task HealthAsync(ServingRuntime runtime, HttpContext context)
    {
        context.Response.StatusCode = context.RequestServices.GetRequiredService<Readiness>().IsReady
            ? StatusCodes.Status200OK
            : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentLength = 0;
        return Task.CompletedTask;
    }

    private async Task RecordedAsync(HttpContext context, Func<ServingRuntime, HttpContext, Task> run)
    {
        var begun = record.Begin();
        await GuardedAsync(context, run);
        var plan = context.Items[OnlineFeaturesEndpoint.PlanItem] as RetrievalPlan;
        var status = context.RequestAborted.IsCancellationRequested ? StatusCodes.Status499ClientClosedRequest : context.Response.StatusCode;
        record.End(
            begun,
            context.Request.Path.Value!,
            status.ToString(CultureInfo.InvariantCulture),
            status < StatusCodes.Status400BadRequest,
            plan?.Features.Count ?? 0,
            plan?.Views.Count ?? 0);
    }

    private async Task GuardedAsync(HttpContext context, Func<ServingRuntime, HttpContext, Task> run)
    {
        try
        {
            await run(runtime, context);
        }
        catch (HttpBodyException e)
        {
            await HttpAnswers.BodyFaultAsync(context, e);
        }
        catch (RetrievalException e)
        {
            var codes = FaultCodes.Of(e.Fault);
            await HttpAnswers.FaultAsync(context, codes.Http, codes.FeastClass, e.Message);
        }
        catch (Exception e) when (e is EntityKeyException or EntityValueException)
        {
            await HttpAnswers.FaultAsync(context, StatusCodes.Status400BadRequest, "FeastError", e.Message);
        }
        catch (ValueJsonException e)
        {
            await HttpAnswers.FaultAsync(context, StatusCodes.Status500InternalServerError, "FeastError", e.Message);
        }
        catch (OnlineStoreException e)
        {
            await HttpAnswers.FaultAsync(context, StatusCodes.Status503ServiceUnavailable, "FeastError", e.Message);
        }
        catch (BadHttpRequestException e)
        {
            await HttpAnswers.FaultAsync(
                context, e.StatusCode, "FeastError", $"The body cannot be read ({e.Message.TrimEnd('.')}); at most {runtime.Limits.MessageBytesMax} bytes are taken.");
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone; there is nobody to answer.
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            HttpLog.Failed(log, context.Request.Path, e);
            await HttpAnswers.FaultAsync(context, StatusCodes.Status500InternalServerError, "FeastError", "The server failed; its log says why.");
        }
    }
}
