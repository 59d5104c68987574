using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;

namespace FeatureStore.Tests.Servers;

/// <summary>A request that a <see cref="ConnectWorker"/> got.</summary>
public sealed record ConnectRequest(string Method, string Path, string Body);

/// <summary>Answers as a Kafka Connect worker was recorded to answer, one exchange after the other; any other request than the next one expected gets 501 and is kept as a fault.</summary>
public sealed class ConnectWorker : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Queue<(string Method, string Path, int Status, string Body)> _script = new();
    private readonly List<ConnectRequest> _requests = [];
    private readonly List<string> _faults = [];

    public ConnectWorker()
    {
        Url = $"http://{IPAddress.Loopback}:{TestProgram.FreePort()}";
        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _ = Task.Run(AnswerAsync);
    }

    public string Url { get; }

    public IReadOnlyList<ConnectRequest> Requests
    {
        get
        {
            lock (_script)
            {
                return [.. _requests];
            }
        }
    }

    /// <summary>What was asked otherwise than expected.</summary>
    public IReadOnlyList<string> Faults
    {
        get
        {
            lock (_script)
            {
                return [.. _faults, .. _script.Select(s => $"{s.Method} {s.Path} was not asked for")];
            }
        }
    }

    /// <summary>Expects a recorded request next, and will answer it as it was answered.</summary>
    /// <param name="method">Where the answer is used for another request of the same form; the recorded one when null.</param>
    /// <param name="path">Likewise.</param>
    public ConnectWorker Then(string exchange, string? method = null, string? path = null)
    {
        var recorded = Recorded(exchange);
        var request = recorded.GetProperty("request");
        return Answer(
            method ?? request.GetProperty("method").GetString()!, path ?? request.GetProperty("path").GetString()!, recorded.GetProperty("status").GetInt32(), recorded.GetProperty("body").GetString()!);
    }

    /// <summary>Expects a request next, and will give this answer.</summary>
    public ConnectWorker Answer(string method, string path, int status, string body)
    {
        lock (_script)
        {
            _script.Enqueue((method, path, status, body));
        }

        return this;
    }

    public void Dispose() => _listener.Close();

    private static JsonElement Recorded(string exchange)
    {
        using var file = new GZipStream(File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Golden", "connect", "connect_rest.json.gz")), CompressionMode.Decompress);
        using var json = JsonDocument.Parse(file);
        return json.RootElement.GetProperty("exchanges").EnumerateArray().Single(e => e.GetProperty("name").GetString() == exchange).Clone();
    }

    private async Task AnswerAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            using var reader = new StreamReader(context.Request.InputStream, Encoding.UTF8);
            var request = new ConnectRequest(context.Request.HttpMethod, context.Request.RawUrl!, await reader.ReadToEndAsync());
            var (status, body) = Next(request);
            context.Response.StatusCode = status;
            await context.Response.OutputStream.WriteAsync(status == (int)HttpStatusCode.NoContent ? [] : Encoding.UTF8.GetBytes(body));
            context.Response.Close();
        }
    }

    private (int Status, string Body) Next(ConnectRequest request)
    {
        lock (_script)
        {
            _requests.Add(request);
            if (_script.TryPeek(out var next) && (next.Method, next.Path) == (request.Method, request.Path))
            {
                _script.Dequeue();
                return (next.Status, next.Body);
            }

            _faults.Add($"{request.Method} {request.Path} was not expected");
            return ((int)HttpStatusCode.NotImplemented, string.Empty);
        }
    }
}
