using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FeatureStore.OnlineStore.Sqlite;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Retrieval;
using FeatureStore.Serving.Writing;

namespace FeatureStore.Serving.Tests.Robustness;

/// <summary>Whatever is sent, each endpoint answers with a code of success or of the client's mistake, in JSON.</summary>
public sealed class HttpFuzzTests : IAsyncLifetime
{
    private const int MutantsPerEndpoint = 300;
    private const int MessageBytesMax = 65_536;

    private static readonly Dictionary<string, string> Valid = new()
    {
        ["/get-online-features"] = """{"features":["weekly:count","weekly:seen"],"entities":{"user_id":["u1","nobody"]},"full_feature_names":true}""",
        ["/push"] = """{"push_source_name":"weekly_push","to":"online_and_offline","df":{"user_id":["u1"],"event_timestamp":["2026-11-23T00:00:00Z"],"created_timestamp":["2026-11-23"],"count":[1],"average":[0.5],"seen":[17]}}""",
        ["/write-to-online-store"] = """{"feature_view_name":"accounts","df":{"account_id":[7],"user_id":["u1"],"event_timestamp":["2026-11-23 01:02:03.5+02:00"],"created_timestamp":[null],"balance":[1.5]}}""",
        ["/materialize"] = """{"start_ts":"2026-10-01T00:00:00","end_ts":"2026-11-03T00:00:00","feature_views":["weekly"],"disable_event_timestamp":false}""",
        ["/materialize-incremental"] = """{"end_ts":"2026-11-03T00:00:00","feature_views":["weekly"]}""",
    };

    private static readonly string[] Replacements =
    [
        "null", "true", "0", "-1", "1.5", "1e400", "-0", "9223372036854775808", "\"\"", "\"x\"", "\"0001-01-01T00:00:00+14:00\"", "\"9999-12-31T23:59:59.9999999-14:00\"",
        "\"\\ud800\"", "\"\\u0000\"", "[]", "{}", "[null]", "[[1]]", "[{}]", "{\"a\":1}", "{\"user_id\":[]}", "\"infinity\"", "[1,\"x\"]",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("fuzz").FullName;
    private ServedBank _bank = null!;
    private SqliteOnlineStore _store = null!;

    public async Task InitializeAsync()
    {
        _store = new SqliteOnlineStore(Path.Combine(_folder, "online.db"));
        var views = ServedBank.Snapshot().FeatureViews.Values;
        await _store.EnsureTablesAsync([.. views.Select(v => new OnlineStore.OnlineTable("bank", v.Name, [.. v.Features.Select(f => f.Name)]))], CancellationToken.None);
        _bank = await ServedBank.StartAsync(new RetrievalLimits(MessageBytesMax: MessageBytesMax), _store, ports: new ServingPorts(new Nowhere(), new Nothing()));
    }

    public async Task DisposeAsync()
    {
        await _bank.DisposeAsync();
        await _store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Post_ValidBodies_Succeed()
    {
        foreach (var (path, body) in Valid)
        {
            var (status, text) = await SendAsync(path, Encoding.UTF8.GetBytes(body));
            Assert.True(status == 200, $"{path}: {status} {text}");
        }
    }

    [Fact]
    public async Task Post_BodiesMutated_AreAnsweredInJson()
    {
        var random = new Random(Fuzzing.Seed);
        foreach (var (path, body) in Valid)
        {
            var bytes = Encoding.UTF8.GetBytes(body);
            for (var i = 0; i < Fuzzing.Times(MutantsPerEndpoint); i++)
            {
                await ExpectAnswerAsync(path, Fuzzing.Mutate(bytes, random));
            }
        }

        await AssertAliveAsync();
    }

    [Fact]
    public async Task Post_BodiesCutAtEachByte_AreAnsweredInJson()
    {
        foreach (var (path, body) in Valid)
        {
            var bytes = Encoding.UTF8.GetBytes(body);
            for (var length = 0; length < bytes.Length; length++)
            {
                Assert.Equal(422, await ExpectAnswerAsync(path, bytes[..length]));
            }
        }
    }

    [Fact]
    public async Task Post_EachValueOfAnotherType_IsAnsweredInJson()
    {
        foreach (var (path, body) in Valid)
        {
            foreach (var place in Places(JsonNode.Parse(body)!, []))
            {
                foreach (var replacement in Replacements)
                {
                    await ExpectAnswerAsync(path, Encoding.UTF8.GetBytes(With(body, place, replacement)));
                }
            }
        }

        await AssertAliveAsync();
    }

    [Fact]
    public async Task Post_NestedTwiceNamedOrOversized_IsRefusedInJson()
    {
        foreach (var (path, body) in Valid)
        {
            foreach (var depth in new[] { 31, 33, 1_000, 15_000 })
            {
                var deep = string.Concat(Enumerable.Repeat("[", depth)) + string.Concat(Enumerable.Repeat("]", depth));
                await ExpectRefusalAsync(path, deep);
                await ExpectRefusalAsync(path, "{\"entities\":" + deep + "}");
                await ExpectRefusalAsync(path, string.Concat(Enumerable.Repeat("{\"a\":", depth)));
            }

            var first = body[1..(body.IndexOf(':', StringComparison.Ordinal) + 1)];
            await ExpectRefusalAsync(path, "{" + first + "null," + body[1..]);
            Assert.Equal(413, await ExpectAnswerAsync(path, Encoding.UTF8.GetBytes("{\"x\":\"" + new string('x', MessageBytesMax) + "\"}")));
        }
    }

    [Fact]
    public async Task Post_EachBodyToEachEndpoint_IsAnsweredInJson()
    {
        foreach (var path in Valid.Keys.Concat(["/", "/nope", "/get-online-features/", "/%C3%28", "/..%2f..%2fetc/passwd", "/metrics", "/health"]))
        {
            foreach (var body in Valid.Values)
            {
                await ExpectAnswerAsync(path, Encoding.UTF8.GetBytes(body));
            }
        }
    }

    private static IEnumerable<object[]> Places(JsonNode? node, object[] at)
    {
        yield return at;
        var inner = node switch
        {
            JsonObject o => o.Select(p => (Key: (object)p.Key, p.Value)),
            JsonArray a => a.Select((v, i) => (Key: (object)i, Value: v)),
            _ => [],
        };
        foreach (var place in inner.SelectMany(p => Places(p.Value, [.. at, p.Key])))
        {
            yield return place;
        }
    }

    // The replacement goes in as text, since no JSON tree takes half a surrogate pair.
    private static string With(string body, object[] place, string replacement)
    {
        const string Mark = "\"@here@\"";
        if (place.Length == 0)
        {
            return replacement;
        }

        var root = JsonNode.Parse(body)!;
        var parent = place[..^1].Aggregate(root, (node, key) => key is string name ? node[name]! : node[(int)key]!);
        if (place[^1] is string last)
        {
            parent[last] = "@here@";
        }
        else
        {
            parent[(int)place[^1]] = "@here@";
        }

        return root.ToJsonString().Replace(Mark, replacement, StringComparison.Ordinal);
    }

    private async Task ExpectRefusalAsync(string path, string body) =>
        Assert.InRange(await ExpectAnswerAsync(path, Encoding.UTF8.GetBytes(body)), 400, 499);

    private async Task<int> ExpectAnswerAsync(string path, byte[] body)
    {
        var where = $"seed {Fuzzing.Seed}, {path}, body (base64) {Convert.ToBase64String(body.AsSpan(0, Math.Min(body.Length, 2_000)))}";
        try
        {
            var (status, text) = await SendAsync(path, body);
            Assert.True(status is >= 200 and < 300 or >= 400 and < 500, $"{where}: {status} {text}");

            // Feast answers a push with no body at all.
            Assert.True(IsJson(text) || (status == 200 && text.Length == 0), $"{where}: {status} without JSON: {text}");
            return status;
        }
        catch (HttpRequestException e)
        {
            Assert.Fail($"{where}: {e}");
            throw;
        }
    }

    private async Task<(int Status, string Body)> SendAsync(string path, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new("application/json");
        using var answer = await _bank.Http.PostAsync(new Uri(path, UriKind.Relative), content);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    private static bool IsJson(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private async Task AssertAliveAsync() =>
        Assert.Equal(200, (await SendAsync("/get-online-features", Encoding.UTF8.GetBytes(Valid["/get-online-features"]))).Status);

    private sealed class Nowhere : IOfflinePush
    {
        public Task AppendAsync(string pushSource, IReadOnlyList<FeatureViewModel> views, PushedColumns columns, CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class Nothing : IMaterializer
    {
        public Task MaterializeAsync(IReadOnlyList<FeatureViewModel> views, DateTimeOffset start, DateTimeOffset end, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task MaterializeIncrementalAsync(IReadOnlyList<FeatureViewModel> views, DateTimeOffset end, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
