using System.Text.Json;
using System.Text.RegularExpressions;
using FeatureStore.Serving.Retrieval;
using FeatureViewState = Feast.Core.FeatureViewState;

namespace FeatureStore.Serving.Tests.Replay;

/// <summary>Every recorded exchange with a view in some state, sent again over a registry with that state.</summary>
public sealed partial class StateReplayTests
{
    public static TheoryData<string> Names() =>
        [.. RecordedBank.Golden("feast067_materialize_states.json").GetProperty("cases").EnumerateArray()
            .Select(c => c.GetProperty("name").GetString()!).Where(n => State().IsMatch(n))];

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public async Task Send_ExchangeInAState_IsAnsweredAlike(string name)
    {
        var exchange = Exchange(name);
        await using var server = await StartAsync(name, StatusPolicy.FeastRedis with { ServesWhileMaterializing = name.Contains("materializing true", StringComparison.Ordinal) });
        var (status, body) = await RecordedExchange.SendAsync(server.Http, exchange);

        // No mistake of the client: this 500 stays one, in words of our own.
        var expected = exchange.GetProperty("status").GetInt32();
        Assert.Equal((name, expected), (name, status));
        if (expected == 500)
        {
            Assert.Contains(Quoted().Match(exchange.GetProperty("response_body").GetString()!).Value, body, StringComparison.Ordinal);
            Assert.Contains(StateOf(name).ToString().ToUpperInvariant(), body, StringComparison.Ordinal);
            return;
        }

        Assert.Null(RecordedExchange.Difference(exchange, status, body, isNewer: true));
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public async Task Send_ExchangeInAStateUnderStrict_IsServed(string name)
    {
        await using var server = await StartAsync(name, StatusPolicy.Strict);
        var (status, _) = await RecordedExchange.SendAsync(server.Http, Exchange(name));
        Assert.InRange(status, 200, 202);
    }

    private static JsonElement Exchange(string name) => RecordedBank.Golden("feast067_materialize_states.json").GetProperty("cases").EnumerateArray()
        .Single(c => c.GetProperty("name").GetString() == name).GetProperty("exchange");

    private static Task<RecordedBank> StartAsync(string name, StatusPolicy policy)
    {
        var view = name.StartsWith("serve_features_", StringComparison.Ordinal) ? "user_demographics" : "user_transactions_l1w";
        return RecordedBank.StartAsync(
            "bank_features",
            "bank_features_after_materialize_registry.db",
            "bank_features_redis.json",
            "redis",
            registry => registry.FeatureViews.Single(v => v.Spec.Name == view).Meta.State = StateOf(name),
            policy);
    }

    private static FeatureViewState StateOf(string name) => State().Match(name).Groups[1].Value switch
    {
        "CREATED" => FeatureViewState.Created,
        "GENERATED" or "2" => FeatureViewState.Generated,
        "MATERIALIZING" or "3" => FeatureViewState.Materializing,
        "AVAILABLE_ONLINE" or "4" => FeatureViewState.AvailableOnline,
        var other => throw new InvalidOperationException($"The case names the state '{other}'."),
    };

    [GeneratedRegex("(?:state|while) ([A-Z_0-9]+)$")]
    private static partial Regex State();

    [GeneratedRegex("'[a-z_0-9]+'")]
    private static partial Regex Quoted();
}
