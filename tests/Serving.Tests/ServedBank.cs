using System.Net;
using System.Text;
using System.Text.Json;
using Feast.Serving;
using FeatureStore.Client;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.OnlineStore;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Hosting;
using FeatureStore.Serving.Retrieval;
using Kind = Feast.Types.ValueType.Types.Enum;
using Value = Feast.Types.Value;

namespace FeatureStore.Serving.Tests;

/// <summary>A real server on free ports over a small bank, asked over both of its APIs.</summary>
internal sealed class ServedBank : IAsyncDisposable
{
    public static readonly DateTimeOffset EventTime = new(2026, 11, 23, 0, 0, 0, TimeSpan.Zero);
    public static readonly TimeSpan Ttl = TimeSpan.FromDays(14);

    private readonly FeatureServer _server;

    private ServedBank(FeatureServer server, FixedStore store, FixedTime time)
    {
        _server = server;
        Store = store;
        Time = time;
        Grpc = new FeatureStoreClient(server.GrpcAddress);
        Http = new HttpClient { BaseAddress = server.HttpAddress };
    }

    public FixedStore Store { get; }

    public FixedTime Time { get; }

    public FeatureStoreClient Grpc { get; }

    public HttpClient Http { get; }

    public FeatureServer Server => _server;

    public static RegistrySnapshot Snapshot()
    {
        var weekly = new FeatureViewModel(
            "weekly",
            [new FieldModel("user_id", Kind.String)],
            [new FieldModel("count", Kind.Int64), new FieldModel("average", Kind.Double), new FieldModel("seen", Kind.UnixTimestamp)],
            Ttl,
            true,
            new SourceModel("weekly_source", "features/weekly", "event_timestamp", "created_timestamp", new Dictionary<string, string>()),
            null)
        {
            StreamSource = "weekly_push",
        };
        var accounts = weekly with
        {
            Name = "accounts",
            StreamSource = null,
            JoinKeys = [new FieldModel("account_id", Kind.Int64), new FieldModel("user_id", Kind.String)],
            Features = [new FieldModel("balance", Kind.Double)],
        };
        var rates = weekly with { Name = "rates", StreamSource = null, JoinKeys = [new FieldModel("__dummy_id", Kind.String)], Features = [new FieldModel("rate", Kind.Double)] };
        var hidden = weekly with { Name = "hidden", StreamSource = null, Online = false };
        var views = new[] { weekly, accounts, rates, hidden }.ToDictionary(v => v.Name);
        var service = new FeatureServiceModel("fraud_v1", [new ProjectionModel("weekly", "weekly", ["count", "average"], new Dictionary<string, string>())]);
        return new RegistrySnapshot("bank", 3, views, new Dictionary<string, FeatureServiceModel> { ["fraud_v1"] = service })
        {
            EntityJoinKeys = new Dictionary<string, string> { ["user"] = "user_id", ["account"] = "account_id", ["shop"] = "shop_id" },
        };
    }

    public static async Task<ServedBank> StartAsync(RetrievalLimits? limits = null, IOnlineStore? store = null, StatusPolicy? policy = null, ServingPorts? ports = null, ConnectionLimits? connections = null, RegistrySnapshot? snapshot = null)
    {
        var rows = new FixedStore();
        rows.Features["weekly"] = ["count", "average", "seen"];
        var time = new FixedTime { Now = EventTime.AddDays(1) };
        var runtime = new ServingRuntime(snapshot ?? Snapshot(), store ?? rows, time, limits ?? new RetrievalLimits(), policy, ports);
        return new ServedBank(await FeatureServer.StartAsync(runtime, new FeatureServerOptions(IPAddress.Loopback, Connections: connections), CancellationToken.None), rows, time);
    }

    public void Put(string view, IReadOnlyList<(string Key, Value Value)> entity, params byte[][] values)
    {
        var key = EntityKeyEncoder.Encode(entity, 3);
        Store.Rows[(view, Convert.ToHexString(key))] = new EncodedRow(key, EventTime.ToUnixTimeMilliseconds() * 1000, null, values);
    }

    public void PutWeekly(string user, params byte[][] values) => Put("weekly", [("user_id", Text(user))], values);

    public static Value Text(string text) => new() { StringVal = text };

    public async Task<(HttpStatusCode Status, string Body)> PostAsync(string path, string body, CancellationToken cancellationToken = default)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await Http.PostAsync(new Uri(path, UriKind.Relative), content, cancellationToken);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(cancellationToken));
    }

    /// <summary>One feature of users, by both APIs: name to value text and status per user.</summary>
    public async Task<(string[] Grpc, string[] Http)> AskBothAsync(string reference, params string[] users)
    {
        var request = new GetOnlineFeaturesRequest { Features = new FeatureList { Val = { reference } } };
        request.Entities["user_id"] = new Feast.Types.RepeatedValue { Val = { users.Select(Text) } };
        var reply = await Grpc.GetOnlineFeaturesAsync(request, null, CancellationToken.None);
        var column = reply.Results[1];
        var grpc = column.Values.Select((v, i) => $"{Print(v)} {Upper(column.Statuses[i])}").ToArray();
        var (status, body) = await PostAsync("/get-online-features", JsonSerializer.Serialize(new { features = new[] { reference }, entities = new { user_id = users } }));
        Assert.Equal(HttpStatusCode.OK, status);
        var json = JsonDocument.Parse(body).RootElement.GetProperty("results")[1];
        var http = json.GetProperty("values").EnumerateArray().Zip(json.GetProperty("statuses").EnumerateArray(), (v, s) => $"{v.GetRawText()} {s.GetString()}").ToArray();
        return (grpc, http);
    }

    public async ValueTask DisposeAsync()
    {
        Grpc.Dispose();
        Http.Dispose();
        await _server.DisposeAsync();
    }

    private static string Print(Value value) => value.ValCase switch
    {
        Value.ValOneofCase.None => "null",
        Value.ValOneofCase.Int64Val => value.Int64Val.ToString(System.Globalization.CultureInfo.InvariantCulture),
        Value.ValOneofCase.UnixTimestampVal => value.UnixTimestampVal.ToString(System.Globalization.CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    private static string Upper(FieldStatus status) => status switch
    {
        FieldStatus.Present => "PRESENT",
        FieldStatus.NullValue => "NULL_VALUE",
        FieldStatus.NotFound => "NOT_FOUND",
        FieldStatus.OutsideMaxAge => "OUTSIDE_MAX_AGE",
        _ => "INVALID",
    };
}
