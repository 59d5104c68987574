using System.Text.Json;
using Feast.Core;
using Google.Protobuf;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Serving.Tests.Replay;

/// <summary>
/// Every HTTP request that Feast's Python client sent to its server, in order, over a registry with what that client
/// applied. Its writes are taken here, also where Feast's server knows the source's time columns alone.
/// </summary>
public sealed class RemoteClientReplayTests
{
    private const string Apply = "/feast.registry.RegistryServer/Apply";

    [SkippableTheory]
    [InlineData("redis")]
    [InlineData("sqlite")]
    public async Task Send_EveryRequestOfThePythonClient_IsAnsweredAsItNeeds(string store)
    {
        var traffic = RecordedBank.Golden("feast067_remote_client.json").GetProperty("cases").EnumerateArray()
            .SelectMany(c => c.GetProperty("traffic").EnumerateArray()).ToArray();
        await using var server = await RecordedBank.StartAsync(
            "bank_features", "bank_features_after_materialize_registry.db", "bank_features_redis.json", store, r => ApplyAll(r, traffic));
        var differences = new List<string>();
        var compared = 0;
        foreach (var recorded in traffic.Where(t => t.GetProperty("transport").GetString() == "http"))
        {
            var (status, body) = await RecordedExchange.SendAsync(server.Http, recorded);
            compared++;
            if (Difference(server, store, recorded, status, body) is { } difference)
            {
                differences.Add($"{recorded.GetProperty("path")} {recorded.GetProperty("request_body")}: {difference}");
            }
        }

        Assert.True(differences.Count == 0, string.Join(Environment.NewLine, differences));
        Assert.True(compared >= 20, $"only {compared} requests were compared");
    }

    [SkippableFact]
    public async Task Write_UnderTheClientsTimeNames_IsReadAsItWasSent()
    {
        await using var server = await RecordedBank.StartAsync(
            "bank_features", "bank_features_after_materialize_registry.db", "bank_features_redis.json", "redis");
        foreach (var recorded in RecordedBank.Golden("feast067_remote_client.json").GetProperty("cases").EnumerateArray()
                     .Where(c => c.GetProperty("name").GetString() is "push online" or "write_to_online_store")
                     .Select(c => c.GetProperty("traffic")[0]))
        {
            Assert.Equal(200, (await RecordedExchange.SendAsync(server.Http, recorded)).Status);
            var sent = JsonDocument.Parse(recorded.GetProperty("request_body").GetString()!).RootElement;
            var view = sent.GetProperty("feature_view_name").GetString();
            var rows = sent.GetProperty("df").EnumerateObject().ToDictionary(c => c.Name, c => c.Value);
            foreach (var (feature, values) in rows.Where(c => c.Key is not ("user_id" or "event_timestamp" or "created")))
            {
                using var content = new StringContent(JsonSerializer.Serialize(new { features = new[] { $"{view}:{feature}" }, entities = new { user_id = rows["user_id"] } }));
                content.Headers.ContentType = new("application/json");
                using var answer = await server.Http.PostAsync(new Uri("/get-online-features", UriKind.Relative), content);
                var column = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("results")[1];
                Assert.True(JsonElement.DeepEquals(values, column.GetProperty("values")), $"{view}:{feature} {column}");
                Assert.All(
                    column.GetProperty("event_timestamps").EnumerateArray().Zip(rows["event_timestamp"].EnumerateArray()),
                    t => Assert.Equal(t.Second.GetString() + "Z", t.First.GetString()));
            }
        }
    }

    private static string? Difference(RecordedBank server, string store, JsonElement recorded, int status, string body)
    {
        var sent = recorded.GetProperty("request_body").GetString()!;
        if (server.Registry.OnDemandFeatureViews.Any(v => sent.Contains($"\"{v.Spec.Name}:", StringComparison.Ordinal)))
        {
            // Made by a Python function: refused with the reason, and not as something to try again.
            return status == 409 && body.Contains("does not run", StringComparison.Ordinal) ? null : $"{status} {body}";
        }

        if (recorded.GetProperty("path").GetString() == "/write-to-online-store")
        {
            return (status, body) == (200, "null") ? null : $"{status} {body}";
        }

        // This recording is of Redis, where an absent row is PRESENT; over SQLite that is NOT_FOUND, and times are whole seconds.
        return store == "sqlite" && status == 200 && (body.Contains("NOT_FOUND", StringComparison.Ordinal) || sent.Contains("c_v:", StringComparison.Ordinal))
            ? null
            : RecordedExchange.Difference(recorded, status, body, isNewer: true);
    }

    private static void ApplyAll(RegistryProto registry, JsonElement[] traffic)
    {
        foreach (var call in traffic.Where(t => t.GetProperty("method").GetString()!.StartsWith(Apply, StringComparison.Ordinal)))
        {
            var (spec, project) = Request(Convert.FromHexString(call.GetProperty("request_hex").GetString()!));
            if (call.GetProperty("method").GetString() == Apply + "Entity")
            {
                var entity = Entity.Parser.ParseFrom(spec);
                entity.Spec.Project = project;
                registry.Entities.Add(entity);
            }
            else
            {
                var view = FeatureView.Parser.ParseFrom(spec);
                view.Spec.Project = project;
                registry.FeatureViews.Add(view);
            }
        }
    }

    // Of an Apply request: field 1 is the object, whose project is field 2 or 4 of the request instead of its own.
    private static (ByteString Spec, string Project) Request(byte[] bytes)
    {
        var (spec, project) = (ByteString.Empty, string.Empty);
        using var input = new CodedInputStream(bytes);
        while (input.ReadTag() is not 0 and var tag)
        {
            switch (WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag))
            {
                case (1, WireFormat.WireType.LengthDelimited):
                    spec = input.ReadBytes();
                    break;
                case (_, WireFormat.WireType.LengthDelimited):
                    project = input.ReadString();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return (spec, project);
    }
}
