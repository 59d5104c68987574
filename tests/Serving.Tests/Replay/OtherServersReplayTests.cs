using System.Text.Json;
using Feast.Serving;
using FeatureStore.Serving.Retrieval;
using Grpc.Core;
using Grpc.Net.Client;
using Value = Feast.Types.Value;

namespace FeatureStore.Serving.Tests.Replay;

/// <summary>
/// Every exchange recorded with Feast's Go and Java servers, sent again. Values are the same under both policies; policy
/// strict says what those servers say of age and absence, policy feast what the Python server says. What is answered
/// otherwise follows from the request, by the rows of docs/feast-differences.md, never from a case's name.
/// </summary>
public sealed class OtherServersReplayTests
{
    private static readonly Marshaller<byte[]> Raw = Marshallers.Create(b => b, b => b);
    private static readonly TimeSpan AfterWriting = TimeSpan.FromMilliseconds(6_100);

    [SkippableTheory]
    [InlineData("go", "redis", "strict")]
    [InlineData("go", "redis", "feast")]
    [InlineData("go", "sqlite", "strict")]
    [InlineData("go", "sqlite", "feast")]
    [InlineData("java", "redis", "strict")]
    [InlineData("java", "redis", "feast")]
    [InlineData("java", "sqlite", "strict")]
    [InlineData("java", "sqlite", "feast")]
    public async Task Send_EveryGrpcExchange_MeansTheSame(string other, string store, string policy)
    {
        await using var server = await StartAsync(store, policy);
        using var channel = GrpcChannel.ForAddress(server.Server.GrpcAddress);
        var invoker = channel.CreateCallInvoker();
        var differences = new List<string>();
        var compared = 0;
        foreach (var recorded in Recorded(other, other == "go" ? "grpc" : "exchanges").Where(e => e.TryGetProperty("request_hex", out _)))
        {
            var bytes = Convert.FromHexString(recorded.GetProperty("request_hex").GetString()!);
            var (code, answer) = await SendAsync(invoker, recorded.GetProperty("method").GetString()!, bytes);
            compared++;
            if (Difference(recorded, policy, GetOnlineFeaturesRequest.Parser.ParseFrom(bytes), code, answer) is { } difference)
            {
                differences.Add($"{recorded.GetProperty("name")}: {difference}");
            }
        }

        Assert.True(differences.Count == 0, string.Join(Environment.NewLine, differences));
        Assert.True(compared >= 28, $"only {compared} exchanges were compared");
    }

    [SkippableTheory]
    [InlineData("redis", "strict")]
    [InlineData("redis", "feast")]
    [InlineData("sqlite", "strict")]
    [InlineData("sqlite", "feast")]
    public async Task Send_EveryHttpExchangeOfTheGoServer_MeansTheSame(string store, string policy)
    {
        await using var server = await StartAsync(store, policy);
        var differences = new List<string>();
        foreach (var recorded in Recorded("go", "http"))
        {
            var (status, body) = await RecordedExchange.SendAsync(server.Http, recorded);
            var sent = JsonDocument.Parse(recorded.GetProperty("request_body").GetString()!).RootElement;
            var expected = recorded.GetProperty("response_body").GetString()!;
            var difference = recorded.GetProperty("status").GetInt32() != 200 || IsRefusedHere(sent)
                ? (status is >= 400 and < 500 ? null : IsTakenHere(sent) && status == 200 ? null : $"{status} {body}")
                : status != 200 ? $"{status} {body}" : SameColumns(JsonColumns(expected), JsonColumns(body), policy);
            if (difference is not null)
            {
                differences.Add($"{recorded.GetProperty("name")}: {difference}; recorded {expected}");
            }
        }

        Assert.True(differences.Count == 0, string.Join(Environment.NewLine, differences));
    }

    [SkippableTheory]
    [InlineData("go")]
    [InlineData("java")]
    public async Task Ask_AtARecordedTtlEdge_IsExactWhereThoseServersCountWholeSeconds(string other)
    {
        var time = new FixedTime { Now = OtherServersDefinitions.Written };
        await using var server = await StartAsync("redis", "strict", time);
        foreach (var edge in Recorded(other, other == "go" ? "grpc" : "exchanges").Where(e => e.TryGetProperty("observed", out _)))
        {
            var (view, written) = (edge.GetProperty("view").GetString()!, edge.GetProperty("event_time").GetDateTimeOffset());
            var (ttl, millisecond) = (TimeSpan.FromSeconds(edge.GetProperty("ttl_s").GetDouble()), TimeSpan.FromMilliseconds(1));
            var feature = view == "tick" ? "n" : "h";
            await OtherServersDefinitions.PutAsync(server.Store, view, feature, "edge", written);
            foreach (var (age, status) in new[] { (ttl, "PRESENT"), (ttl + millisecond, "OUTSIDE_MAX_AGE") })
            {
                time.Now = written + age;
                using var content = new StringContent($$$"""{"features":["{{{view}}}:{{{feature}}}"],"entities":{"user_id":["edge"]}}""");
                content.Headers.ContentType = new("application/json");
                using var answer = await server.Http.PostAsync(new Uri("/get-online-features", UriKind.Relative), content);
                var column = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("results")[1];
                Assert.Equal((view, age, status), (view, age, column.GetProperty("statuses")[0].GetString()));
            }

            // Theirs turns within a second of ours, either way.
            var turned = edge.GetProperty("observed")[1].GetProperty("first_seen_age_s")[1].GetDouble();
            Assert.InRange(turned, ttl.TotalSeconds - 1, ttl.TotalSeconds + 1.05);
        }
    }

    private static string? Difference(JsonElement recorded, string policy, GetOnlineFeaturesRequest request, StatusCode code, byte[] answer)
    {
        var refused = code is StatusCode.InvalidArgument or StatusCode.NotFound or StatusCode.FailedPrecondition;
        if (recorded.GetProperty("status").GetString() != "OK" || (recorded.GetProperty("method").GetString()!.EndsWith("GetOnlineFeatures", StringComparison.Ordinal) && IsRefusedHere(Json(request))))
        {
            return refused || (code == StatusCode.OK && IsTakenHere(Json(request))) ? null : $"a refusal was due, and the answer is {code}";
        }

        if (code != StatusCode.OK)
        {
            return $"OK was recorded, and the answer is {code}";
        }

        if (recorded.GetProperty("method").GetString()!.EndsWith("GetFeastServingInfo", StringComparison.Ordinal))
        {
            return GetFeastServingInfoResponse.Parser.ParseFrom(answer).Version.Length > 0 ? null : "no version";
        }

        // An entity's name stands for its key, as in Python; Java finds nothing under it.
        return request.Entities.ContainsKey("user") ? null : SameColumns(Columns(Convert.FromHexString(recorded.GetProperty("response_hex").GetString()!)), Columns(answer), policy);
    }

    // Refused here in each of these, by the rows of docs/feast-differences.md: a feature that is not there, one named twice, an
    // empty list, and a key that is not the view's.
    private static bool IsRefusedHere(JsonElement request)
    {
        var features = request.TryGetProperty("features", out var list) ? list.EnumerateArray().Select(f => f.GetString()!).ToArray() : [];
        var entities = request.TryGetProperty("entities", out var map) ? map.EnumerateObject().ToDictionary(e => e.Name, e => e.Value.GetArrayLength()) : [];
        return features.Distinct().Count() < features.Length
            || features.Any(f => f.EndsWith(":nope", StringComparison.Ordinal))
            || entities.Values.Any(n => n == 0)
            || !(entities.ContainsKey("user_id") || entities.ContainsKey("user"));
    }

    // The Python server, which is followed, takes what the others refuse: an entity's name for its key, further lists, values of
    // several types, and, under its policy, a composite key in part.
    private static bool IsTakenHere(JsonElement request)
    {
        var entities = request.TryGetProperty("entities", out var map) ? map.EnumerateObject().ToDictionary(e => e.Name, e => e.Value.GetArrayLength()) : [];
        return !IsRefusedHere(request) && entities.Values.Distinct().Count() == 1;
    }

    private static JsonElement Json(GetOnlineFeaturesRequest request) => JsonSerializer.SerializeToElement(new
    {
        features = request.Features?.Val.ToArray() ?? [],
        entities = request.Entities.ToDictionary(e => e.Key, e => e.Value.Val.Select(v => v.ToString()).ToArray()),
    });

    private static string? SameColumns(Dictionary<string, string[]> expected, Dictionary<string, string[]> actual, string policy)
    {
        foreach (var (name, cells) in expected.Where(c => c.Key is not ("user_id" or "merchant_id" or "user")))
        {
            // Java names the real view with a colon, whatever the request says.
            var own = actual.Where(c => c.Key == name || c.Key == Short(name) || (name.Contains(':', StringComparison.Ordinal) && Short(c.Key) == Short(name))).Select(c => c.Value).FirstOrDefault();
            if (own is null || own.Length != cells.Length || !cells.Zip(own).All(c => Same(c.First, c.Second, policy)))
            {
                return $"{name}: {string.Join(", ", cells)} against {string.Join(", ", own ?? ["nothing"])} of {string.Join(", ", actual.Keys)}";
            }
        }

        return null;
    }

    private static string Short(string name) => name.Split(':')[^1].Split("__")[^1];

    // A cell is its value, status and, where it has a value, time. Of a stored null Go says PRESENT and Java NOT_FOUND.
    private static bool Same(string expected, string actual, string policy)
    {
        var (theirs, ours) = (expected.Split('|'), actual.Split('|'));
        var sameStatus = (policy, theirs[1], ours[1]) switch
        {
            (_, "", _) => true,
            ("strict", var one, var other) when theirs[0] != "null" => one == other,
            ("strict", "PRESENT", var other) => other == "NULL_VALUE",
            ("strict", "NOT_FOUND", var other) => other is "NOT_FOUND" or "NULL_VALUE" or "OUTSIDE_MAX_AGE",
            ("strict", var one, var other) => one == other,
            (_, _, var other) => other == "PRESENT" || (other == "NOT_FOUND" && theirs[0] == "null"),
        };
        return sameStatus && theirs[0] == ours[0] && (theirs[0] == "null" || theirs[2].Length == 0 || theirs[2] == ours[2]);
    }

    private static Dictionary<string, string[]> Columns(byte[] bytes)
    {
        var answer = GetOnlineFeaturesResponse.Parser.ParseFrom(bytes);
        return answer.Metadata.FeatureNames.Val.Zip(answer.Results, (name, vector) => (name, Cells: vector.Values.Select((v, row) =>
            $"{(v.ValCase == Value.ValOneofCase.None ? "null" : v)}|{Upper(vector.Statuses[row])}|{vector.EventTimestamps[row]}").ToArray())).DistinctBy(c => c.name).ToDictionary(c => c.name, c => c.Cells);
    }

    private static string Upper(FieldStatus status) => status switch
    {
        FieldStatus.NullValue => "NULL_VALUE",
        FieldStatus.NotFound => "NOT_FOUND",
        FieldStatus.OutsideMaxAge => "OUTSIDE_MAX_AGE",
        _ => status.ToString().ToUpperInvariant(),
    };

    private static Dictionary<string, string[]> JsonColumns(string body)
    {
        var root = JsonDocument.Parse(body).RootElement;
        var names = root.GetProperty("metadata").GetProperty("feature_names").EnumerateArray().Select(n => n.GetString()!);
        return names.Zip(root.GetProperty("results").EnumerateArray(), (name, column) => (name, Cells: column.GetProperty("values").EnumerateArray().Select((v, row) =>
            $"{v.GetRawText()}|{Item(column, "statuses", row)}|{Item(column, "event_timestamps", row)}").ToArray())).DistinctBy(c => c.name).ToDictionary(c => c.name, c => c.Cells);

        static string Item(JsonElement column, string list, int row) => column.TryGetProperty(list, out var items) ? items[row].GetString()! : string.Empty;
    }

    private static async Task<(StatusCode Code, byte[] Answer)> SendAsync(CallInvoker invoker, string path, byte[] request)
    {
        var parts = path.Split('/');
        try
        {
            return (StatusCode.OK, await invoker.AsyncUnaryCall(new Method<byte[], byte[]>(MethodType.Unary, parts[1], parts[2], Raw, Raw), null, default, request));
        }
        catch (RpcException e)
        {
            return (e.StatusCode, []);
        }
    }

    private static JsonElement.ArrayEnumerator Recorded(string other, string list) => RecordedBank.Golden($"feast_{other}_exchanges.json").GetProperty(list).EnumerateArray();

    private static async Task<RecordedBank> StartAsync(string store, string policy, FixedTime? time = null)
    {
        var feast = store == "redis" ? StatusPolicy.FeastRedis : StatusPolicy.FeastSqlite;
        var server = await RecordedBank.StartAsync(
            "bank_features",
            "bank_features_after_materialize_registry.db",
            "bank_features_redis.json",
            store,
            OtherServersDefinitions.ApplyAll,
            policy == "strict" ? StatusPolicy.Strict : feast,
            time ?? new FixedTime { Now = OtherServersDefinitions.Written + AfterWriting });
        await OtherServersDefinitions.WriteAsync(server.Store);
        return server;
    }
}
