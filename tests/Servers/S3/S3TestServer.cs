using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FeatureStore.Tests.Servers.S3;

/// <summary>
/// A server that answers as MinIO was recorded to answer, on a real socket and in memory, with faults on demand. It looks at keys, sums and
/// conditions; signatures it takes as they are.
/// </summary>
public sealed class S3TestServer : IAsyncDisposable
{
    public const string AccessKey = "test-access-key";
    public const string SecretKey = "test-secret-key";
    private readonly WebApplication _app;
    private readonly S3Protocol _protocol = new();
    private readonly ConcurrentQueue<S3Seen> _seen = [];
    private volatile TaskCompletionSource? _paused;

    private S3TestServer()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k =>
        {
            k.Listen(IPAddress.Loopback, 0);
            k.Limits.MaxRequestBodySize = null;
        });
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    public Uri Endpoint { get; private set; } = null!;

    /// <summary>False makes it a server that does not know conditional writes: it overwrites, and says 200.</summary>
    public bool IsConditional
    {
        get => _protocol.IsConditional;
        set => _protocol.IsConditional = value;
    }

    /// <summary>What goes wrong with a request.</summary>
    public Func<S3Seen, S3Fault> Fault { get; set; } = _ => S3Fault.None;

    /// <summary>Requests in the order of their arrival.</summary>
    public IReadOnlyList<S3Seen> Seen => [.. _seen];

    /// <summary>Uploads in parts that were neither completed nor aborted.</summary>
    public int PendingUploads => _protocol.PendingUploads;

    public static async Task<S3TestServer> StartAsync(params string[] buckets)
    {
        var server = new S3TestServer();
        foreach (var bucket in buckets)
        {
            server._protocol.Make(bucket);
        }

        await server._app.StartAsync();
        server.Endpoint = new Uri(server._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return server;
    }

    /// <summary>Keys of a bucket, in order.</summary>
    public IReadOnlyList<string> Keys(string bucket) => _protocol.Keys(bucket);

    /// <summary>An object's bytes, or null.</summary>
    public byte[]? Get(string bucket, string key) => _protocol.Get(bucket, key);

    /// <summary>Puts or, with null, deletes an object behind everybody's back.</summary>
    public void Set(string bucket, string key, byte[]? bytes, DateTimeOffset? modified = null) => _protocol.Set(bucket, key, bytes, modified);

    /// <summary>Requests wait from now on until <see cref="GoOn"/>.</summary>
    public void Pause() => _paused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void GoOn() => Interlocked.Exchange(ref _paused, null)?.SetResult();

    public async ValueTask DisposeAsync()
    {
        GoOn();
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext http)
    {
        if (_paused is { } paused)
        {
            await paused.Task.WaitAsync(http.RequestAborted);
        }

        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);

        // The path as it was sent: a key may hold what a decoded path would take for a slash.
        var raw = http.Features.Get<IHttpRequestFeature>()!.RawTarget.Split('?')[0];
        var request = new S3Request(http.Request.Method, Uri.UnescapeDataString(raw).TrimStart('/'), http.Request.Query, http.Request.Headers, body.ToArray());
        var seen = new S3Seen(request.Method, request.Target, http.Request.QueryString.Value ?? string.Empty, request.Header("if-none-match") == "*");
        _seen.Enqueue(seen);
        var fault = Fault(seen);
        switch (fault)
        {
            case S3Fault.SlowDown:
                await SendAsync(http, S3Answer.Error(503, "SlowDown"), fault);
                return;
            case S3Fault.Refuses:
                await SendAsync(http, S3Answer.Error(403, "SignatureDoesNotMatch"), fault);
                return;
            case S3Fault.Stalls:
                await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                return;
            default:
                break;
        }

        if (fault == S3Fault.StoresOtherBytes)
        {
            request = request with { Body = [.. request.Body.Select(b => (byte)(b ^ 1))], IsUnchecked = true };
        }

        var answer = _protocol.Answer(request);
        switch (fault)
        {
            case S3Fault.LosesAnswer:
                http.Abort();
                return;
            case S3Fault.StallsAfterApplying:
                await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                return;
            default:
                await SendAsync(http, fault == S3Fault.FailsAfterApplying ? S3Answer.Error(500, "InternalError") : answer, fault);
                return;
        }
    }

    private static async Task SendAsync(HttpContext http, S3Answer answer, S3Fault fault)
    {
        var response = http.Response;
        response.StatusCode = answer.Status;
        response.Headers.Server = "MinIO";
        if (answer.ETag is { } etag)
        {
            response.Headers.ETag = $"\"{etag}\"";
        }

        if (answer.Modified is { } modified)
        {
            response.Headers.LastModified = modified.UtcDateTime.ToString("R", CultureInfo.InvariantCulture);
        }

        if (answer.ContentRange is { } range)
        {
            response.Headers.ContentRange = range;
        }

        if (answer.Status is 204 or 304)
        {
            return;
        }

        response.ContentType = answer.Body.Length > 0 || answer.Length is not null ? answer.ContentType : null;
        response.ContentLength = answer.Length ?? answer.Body.Length;
        if (http.Request.Method == "HEAD")
        {
            return;
        }

        var body = fault == S3Fault.DamagesBody && answer.Body.Length > 0 ? [(byte)(answer.Body[0] ^ 1), .. answer.Body[1..]] : answer.Body;
        if (fault == S3Fault.CutsBody)
        {
            await response.Body.WriteAsync(body.AsMemory(0, body.Length / 2), http.RequestAborted);
            await response.Body.FlushAsync(http.RequestAborted);
            http.Abort();
            return;
        }

        await response.Body.WriteAsync(body, http.RequestAborted);
    }
}
