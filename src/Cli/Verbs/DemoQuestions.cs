using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Feast.Serving;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Client;
using FeatureStore.Contract.Values;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving;
using FeatureStore.Serving.Hosting;
using FeatureStore.Serving.Retrieval;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Cli.Verbs;

/// <summary>Starts the server, asks it for some users over gRPC and over HTTP, and shows the answers with their latency.</summary>
internal sealed class DemoQuestions(Repo repo, string service, IReadOnlyList<string> users, TimeProvider time)
{
    private const int CallsForLatency = 20;
    private const string Path = "/get-online-features";

    /// <returns>Whether both ways gave the same answer, and a line that tells it.</returns>
    public async Task<(bool Agree, string Line)> AskAsync(RegistrySnapshot snapshot, CancellationToken cancellationToken)
    {
        await using var store = repo.OnlineStore();
        var runtime = new ServingRuntime(snapshot, store, time, new RetrievalLimits());
        await using var server = await FeatureServer.StartAsync(runtime, new FeatureServerOptions(IPAddress.Loopback), cancellationToken);
        using var client = new FeatureStoreClient(server.GrpcAddress);
        using var http = new HttpClient { BaseAddress = server.HttpAddress };
        var request = GetOnlineFeaturesVerb.Request(service, null, [$"user_id={string.Join(',', users)}"], Kind.String);
        var body = JsonSerializer.Serialize(new { feature_service = service, entities = new { user_id = users } });

        // The first calls open the connections and compile the plan; the others are what a caller sees.
        var reply = await client.GetOnlineFeaturesAsync(request, null, cancellationToken);
        var agree = Same(reply, await PostAsync(http, body, cancellationToken));
        Show(reply);
        var overGrpc = await MedianAsync(() => client.GetOnlineFeaturesAsync(request, null, cancellationToken));
        var overHttp = await MedianAsync(() => PostAsync(http, body, cancellationToken));
        return (agree, string.Create(
            CultureInfo.InvariantCulture,
            $"{service} for {users.Count} users in {overGrpc.TotalMilliseconds:0.0} ms over gRPC, {overHttp.TotalMilliseconds:0.0} ms over HTTP (medians of {CallsForLatency}), {(agree ? "the same answer" : "DIFFERENT answers")}"));
    }

    private static async Task<string> PostAsync(HttpClient http, string body, CancellationToken cancellationToken)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await http.PostAsync(Path, content, cancellationToken);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsStringAsync(cancellationToken);
    }

    /// <summary>True if the JSON has every feature's values and statuses as the message has them.</summary>
    private static bool Same(GetOnlineFeaturesResponse reply, string json)
    {
        using var document = JsonDocument.Parse(json);
        var names = document.RootElement.GetProperty("metadata").GetProperty("feature_names").EnumerateArray().Select(n => n.GetString()).ToList();
        var results = document.RootElement.GetProperty("results");
        return names.SequenceEqual(reply.Metadata.FeatureNames.Val) && reply.Results.Select((column, i) => (column, other: results[i])).All(c =>
            c.column.Statuses.Select(GetOnlineFeaturesVerb.Name).SequenceEqual(c.other.GetProperty("statuses").EnumerateArray().Select(s => s.GetString()))
            && c.column.Values.Select(ValueJson.Text).SequenceEqual(c.other.GetProperty("values").EnumerateArray().Select(v => v.GetRawText())));
    }

    // A feature a line: a line for each user would be wider than most terminals.
    private void Show(GetOnlineFeaturesResponse reply)
    {
        var rows = reply.Metadata.FeatureNames.Val.Zip(reply.Results).Skip(1)
            .Select(column => (IReadOnlyList<object?>)[column.First, .. Enumerable.Range(0, users.Count).Select(user => GetOnlineFeaturesVerb.Cell(column.Second, user))]);
        Answer.Rows(json: false, ["feature", .. users], rows);
    }

    private async Task<TimeSpan> MedianAsync(Func<Task> call)
    {
        var elapsed = new List<TimeSpan>();
        for (var i = 0; i < CallsForLatency; i++)
        {
            var started = time.GetTimestamp();
            await call();
            elapsed.Add(time.GetElapsedTime(started));
        }

        elapsed.Sort();
        return elapsed[elapsed.Count / 2];
    }
}
