using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace FeatureStore.Ingest.Connect;

/// <summary>
/// Speaks Kafka Connect's REST about one connector. Every request may be sent again, so what passes by itself (a worker that starts, a rebalance) is waited for, within a
/// bound. Bodies hold the database's password: none is ever printed.
/// </summary>
public sealed class ConnectClient : IDisposable
{
    private const int BodyBytesMax = 4 << 20;
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private readonly HttpClient _http;
    private readonly string _name;
    private readonly TimeProvider _time;

    /// <param name="address">Of a worker, as <c>http://connect:8083</c>.</param>
    /// <param name="user">For a worker that asks who calls, <c>user:password</c>; null for none.</param>
    public ConnectClient(Uri address, string name, string? user, TimeProvider time)
    {
        (_name, _time, Address) = (name, time, address);
        _http = new HttpClient { BaseAddress = new Uri(address.AbsoluteUri.TrimEnd('/') + "/"), Timeout = WaitMax, MaxResponseContentBufferSize = BodyBytesMax };
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        if (user is not null)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(user)));
        }
    }

    public Uri Address { get; }

    /// <summary>How the connector is registered; null if it is not.</summary>
    /// <exception cref="ConnectException">The worker cannot be reached, or refuses.</exception>
    public async Task<IReadOnlyDictionary<string, string>?> ConfigAsync(CancellationToken cancellationToken) =>
        await SendAsync(HttpMethod.Get, string.Empty, null, cancellationToken) is { } answer
            ? Read(answer, root => root.GetProperty("config").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.ToString()))
            : null;

    /// <summary>Registers it, or changes how it is registered.</summary>
    /// <exception cref="ConnectException">The worker cannot be reached, or refuses.</exception>
    public async Task PutAsync(IReadOnlyDictionary<string, string> config, CancellationToken cancellationToken) =>
        _ = await SendAsync(HttpMethod.Put, "/config", JsonSerializer.Serialize(config), cancellationToken, config.GetValueOrDefault("database.password"))
            ?? throw new ConnectException($"Kafka Connect at {Address} does not know this request (404). Correct fstore.connect.url: it must be a worker's REST address.");

    /// <summary>What the worker says of it; null if it does not know it.</summary>
    /// <exception cref="ConnectException">The worker cannot be reached, or refuses.</exception>
    public async Task<ConnectorState?> StatusAsync(CancellationToken cancellationToken) =>
        await SendAsync(HttpMethod.Get, "/status", null, cancellationToken) is { } answer
            ? Read(answer, root => new ConnectorState(
                State(root.GetProperty("connector")),
                Trace(root.GetProperty("connector")),
                [.. root.GetProperty("tasks").EnumerateArray().Select(t => new ConnectorTask(t.GetProperty("id").GetInt32(), State(t), Trace(t)))]))
            : null;

    /// <returns>False if there is no such connector.</returns>
    /// <exception cref="ConnectException">The worker cannot be reached, or refuses.</exception>
    public async Task<bool> PauseAsync(CancellationToken cancellationToken) => await SendAsync(HttpMethod.Put, "/pause", null, cancellationToken) is not null;

    /// <returns>False if there is no such connector.</returns>
    /// <exception cref="ConnectException">The worker cannot be reached, or refuses.</exception>
    public async Task<bool> ResumeAsync(CancellationToken cancellationToken) => await SendAsync(HttpMethod.Put, "/resume", null, cancellationToken) is not null;

    /// <summary>Starts it and its tasks again.</summary>
    /// <param name="onlyFailed">Only those that failed.</param>
    /// <returns>False if there is no such connector.</returns>
    /// <exception cref="ConnectException">The worker cannot be reached, or refuses.</exception>
    public async Task<bool> RestartAsync(bool onlyFailed, CancellationToken cancellationToken) =>
        await SendAsync(HttpMethod.Post, $"/restart?includeTasks=true&onlyFailed={(onlyFailed ? "true" : "false")}", null, cancellationToken) is not null;

    /// <returns>False if there was no such connector.</returns>
    /// <exception cref="ConnectException">The worker cannot be reached, or refuses.</exception>
    public async Task<bool> DeleteAsync(CancellationToken cancellationToken) => await SendAsync(HttpMethod.Delete, string.Empty, null, cancellationToken) is not null;

    public void Dispose() => _http.Dispose();

    /// <returns>The body; null if the connector is not there.</returns>
    private async Task<string?> SendAsync(HttpMethod method, string path, string? body, CancellationToken cancellationToken, string? secret = null)
    {
        var began = _time.GetTimestamp();
        while (true)
        {
            string passing;
            try
            {
                using var request = new HttpRequestMessage(method, $"connectors/{Uri.EscapeDataString(_name)}{path}");
                request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
                using var response = await _http.SendAsync(request, cancellationToken);
                var text = await response.Content.ReadAsStringAsync(cancellationToken);
                switch (response.StatusCode)
                {
                    case HttpStatusCode.OK or HttpStatusCode.Created or HttpStatusCode.Accepted or HttpStatusCode.NoContent:
                        return text;
                    case HttpStatusCode.NotFound when ErrorCode(text) is not null:
                        return null;
                    case HttpStatusCode.NotFound:
                        // A worker that starts knows none of its paths yet, and says so in other words.
                        passing = "it is starting";
                        break;
                    case HttpStatusCode.Conflict or HttpStatusCode.ServiceUnavailable:
                        passing = $"it answers {(int)response.StatusCode}: {Message(text, secret)}";
                        break;
                    default:
                        throw new ConnectException($"Kafka Connect at {Address} refused ({(int)response.StatusCode}): {Message(text, secret)}. Correct fstore.connect or fstore.postgres in feature_store.yaml, and run the command again.");
                }
            }
            catch (HttpRequestException e)
            {
                passing = e.Message;
            }
            catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                passing = "it does not answer";
            }

            if (_time.GetElapsedTime(began) + Pause > WaitMax)
            {
                throw new ConnectException($"Kafka Connect at {Address} cannot be used: {passing}, for {WaitMax.TotalSeconds:0} s. Start it, or correct fstore.connect.url; then run the command again.");
            }

            await Task.Delay(Pause, _time, cancellationToken);
        }
    }

    private T Read<T>(string text, Func<JsonElement, T> read)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            return read(json.RootElement);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new ConnectException($"Kafka Connect at {Address} answered what is no answer of Kafka Connect. Correct fstore.connect.url: it must be a worker's REST address.");
        }
    }

    private static int? ErrorCode(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("error_code", out var code) && code.TryGetInt32(out var number) ? number : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Message(string text, string? secret)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            var message = json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("message", out var found) ? found.ToString() : "no reason given";
            return string.IsNullOrEmpty(secret) ? message : message.Replace(secret, "…", StringComparison.Ordinal);
        }
        catch (JsonException)
        {
            return "no reason given";
        }
    }

    private static string State(JsonElement part) => part.GetProperty("state").GetString() ?? string.Empty;

    // The first line tells the fault; the rest is Java's.
    private static string? Trace(JsonElement part) => part.TryGetProperty("trace", out var trace) ? trace.GetString()?.Split('\n')[0].Trim() : null;
}

/// <summary>What a worker says of a connector.</summary>
/// <param name="Trace">Why it failed; null if it did not.</param>
public sealed record ConnectorState(string State, string? Trace, IReadOnlyList<ConnectorTask> Tasks);

/// <summary>One of a connector's tasks.</summary>
public sealed record ConnectorTask(int Id, string State, string? Trace);

/// <summary>Kafka Connect cannot be used as it was asked for; the message says what, where and the way out, and never a password.</summary>
public sealed class ConnectException(string message) : Exception(message);
