using System.Net;
using System.Text;
using System.Text.Json;
using FeatureStore.Contract.Scoring;
using FeatureStore.Contract.Values;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Scoring.Online;
using FeatureStore.Scoring.Scores;
using FeatureStore.Scoring.Store;
using FeatureStore.Scoring.Tests.Cases;
using FeatureStore.Scoring.Tests.Store;
using FeatureStore.Serving;
using FeatureStore.Serving.Hosting;
using FeatureStore.Serving.Retrieval;
using Grpc.Net.Client;
using Kind = Feast.Types.ValueType.Types.Enum;
using Value = Feast.Types.Value;

namespace FeatureStore.Scoring.Tests.Online;

/// <summary>A real server on free ports with a bank's weekly features and a folder of models, asked over both of its APIs.</summary>
internal sealed class ScoredBank : IAsyncDisposable
{
    public const string Name = "outflow";
    public const string Service = "fraud_v1";

    public static readonly DateTimeOffset EventTime = new(2026, 11, 23, 0, 0, 0, TimeSpan.Zero);
    public static readonly TimeSpan Ttl = TimeSpan.FromDays(14);

    private readonly string _root = Directory.CreateTempSubdirectory("fstore-scored-").FullName;
    private FeatureServer? _server;
    private GrpcChannel? _channel;
    private HttpClient? _http;

    private ScoredBank(RetrievalLimits limits)
    {
        Runtime = new ServingRuntime(Snapshot(Kind.Double), Store, Time, limits);
        Models = new ModelStore(Path.Combine(_root, "models"), TimeProvider.System);
        Live = new LiveModels(Models, () => Runtime.Plans.Snapshot);
    }

    public string Folder => Path.Combine(_root, "models", Name);

    public string Root => _root;

    public MemoryStore Store { get; } = new();

    public FixedClock Time { get; } = new() { Now = EventTime.AddDays(1) };

    public ServingRuntime Runtime { get; }

    public ModelStore Models { get; }

    public LiveModels Live { get; }

    /// <param name="totals">Type of the amounts: another one is another definition.</param>
    public static RegistrySnapshot Snapshot(Kind totals)
    {
        var weekly = new FeatureViewModel(
            "weekly",
            [new FieldModel("user_id", Kind.String)],
            [.. StoreFixture.Weekly.Select(f => new FieldModel(f, f.StartsWith("num", StringComparison.Ordinal) ? Kind.Int64 : totals))],
            Ttl,
            true,
            new SourceModel("weekly_source", "features/weekly", "event_timestamp", "created_timestamp", new Dictionary<string, string>()),
            null);
        var service = new FeatureServiceModel(Service, [new ProjectionModel("weekly", "weekly", StoreFixture.Weekly, new Dictionary<string, string>())]);
        return new RegistrySnapshot("bank", 3, new Dictionary<string, FeatureViewModel> { ["weekly"] = weekly }, new Dictionary<string, FeatureServiceModel> { [Service] = service })
        {
            EntityJoinKeys = new Dictionary<string, string> { ["user"] = "user_id" },
        };
    }

    public static async Task<ScoredBank> StartAsync(RetrievalLimits? limits = null, params (string Case, MissingPolicy Missing)[] versions)
    {
        var bank = new ScoredBank(limits ?? new RetrievalLimits());
        foreach (var (name, missing) in versions)
        {
            bank.Add(name, missing);
        }

        if (versions.Length > 0)
        {
            bank.Promote("1");
        }

        bank.Live.Refresh();
        var options = new FeatureServerOptions(IPAddress.Loopback, Beside: [ScoringHost.Beside(new OnlineScorer(bank.Runtime, bank.Live), bank.Live)]);
        bank._server = await FeatureServer.StartAsync(bank.Runtime, options, CancellationToken.None);
        bank._channel = GrpcChannel.ForAddress(bank._server.GrpcAddress);
        bank._http = new HttpClient { BaseAddress = bank._server.HttpAddress };
        return bank;
    }

    public ModelManifest Add(string caseName, MissingPolicy missing = MissingPolicy.NaN, JsonElement? training = null)
    {
        var served = ServedFeatures.Of(Runtime.Plans.Snapshot, Service);
        return Models.Add(new ModelSubmission(Name, GoldenCase.Open(caseName).ModelPath, Service, served.Fingerprint)
        {
            Plan = new ScoringPlan
            {
                Features = StoreFixture.Weekly,
                Missing = missing,
                Defaults = missing == MissingPolicy.Default ? StoreFixture.Weekly.ToDictionary(f => f, _ => "0") : [],
            },
            Training = training,
        });
    }

    public void Promote(string version) => Models.Promote(Name, version, ServedFeatures.Of(Runtime.Plans.Snapshot, Service).Fingerprint);

    /// <summary>Puts rows of a recorded case as users u0, u1, …; a NaN is a stored null.</summary>
    public void PutRecorded(GoldenCase golden)
    {
        var values = golden.Inputs()[0].Span<float>();
        for (var row = 0; row < values.Length / StoreFixture.Weekly.Length; row++)
        {
            Put($"u{row}", values.Slice(row * StoreFixture.Weekly.Length, StoreFixture.Weekly.Length));
        }
    }

    public void Put(string user, ReadOnlySpan<float> values, DateTimeOffset? eventTime = null)
    {
        var row = new Dictionary<string, byte[]>();
        for (var f = 0; f < values.Length; f++)
        {
            var feature = StoreFixture.Weekly[f];
            row[feature] = float.IsNaN(values[f]) ? ValueBytes.Null : feature.StartsWith("num", StringComparison.Ordinal) ? ValueBytes.Int64((long)values[f]) : ValueBytes.Double(values[f]);
        }

        Store.Put(user, eventTime ?? EventTime, row);
    }

    public async Task<ScoreResponse> ScoreAsync(IEnumerable<string> users, string model = Name)
    {
        var request = new ScoreRequest { Model = model };
        request.Entities["user_id"] = new Feast.Types.RepeatedValue { Val = { users.Select(u => new Value { StringVal = u }) } };
        return await _channel!.CreateCallInvoker().AsyncUnaryCall(ScoreGrpcBase.ScoreMethod, null, default, request);
    }

    public Task<(HttpStatusCode Status, string Body)> PostAsync(IEnumerable<string> users, string model = Name) =>
        PostAsync(JsonSerializer.Serialize(new { model, entities = new { user_id = users } }));

    public async Task<(HttpStatusCode Status, string Body)> PostAsync(string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await _http!.PostAsync(new Uri("/score", UriKind.Relative), content);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    public async ValueTask DisposeAsync()
    {
        _channel?.Dispose();
        _http?.Dispose();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        Live.Dispose();
        Directory.Delete(_root, recursive: true);
    }
}

/// <summary>A clock that stands, with timers that run.</summary>
internal sealed class FixedClock : TimeProvider
{
    public DateTimeOffset Now { get; set; }

    public override DateTimeOffset GetUtcNow() => Now;
}
