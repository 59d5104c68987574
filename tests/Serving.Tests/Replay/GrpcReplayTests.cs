using System.Text.Json;
using Feast.Serving;
using Grpc.Core;
using Grpc.Net.Client;

namespace FeatureStore.Serving.Tests.Replay;

/// <summary>Every recorded gRPC exchange, its bytes sent again: answers equal by feature name, and mistakes refused.</summary>
public sealed class GrpcReplayTests
{
    private static readonly Marshaller<byte[]> Raw = Marshallers.Create(b => b, b => b);

    [SkippableTheory]
    [InlineData("redis", "grpc_recorded_redis.json")]
    [InlineData("redis", "feast067_grpc_redis.json")]
    [InlineData("sqlite", "feast067_grpc_sqlite.json")]
    public async Task Send_EveryRecordedExchange_IsAnsweredAlike(string store, string file)
    {
        await using var server = await RecordedBank.StartAsync(
            "bank_features", "bank_features_after_materialize_registry.db", "bank_features_redis.json", store);
        using var channel = GrpcChannel.ForAddress(server.Server.GrpcAddress);
        var invoker = channel.CreateCallInvoker();
        var differences = new List<string>();

        // Two of three newer cases are here; those that write for others are sent in the older form.
        var newer = RecordedBank.Golden(file).GetProperty("exchanges").EnumerateArray().ToDictionary(e => e.GetProperty("name").GetString()!);
        foreach (var recorded in RecordedBank.Golden("grpc_recorded_redis.json").GetProperty("exchanges").EnumerateArray())
        {
            var (code, answer) = await SendAsync(invoker, recorded);
            if (newer.TryGetValue(recorded.GetProperty("name").GetString()!, out var expected) && Difference(expected, code, answer) is { } difference)
            {
                differences.Add($"{recorded.GetProperty("name")}: {difference}");
            }
        }

        Assert.True(differences.Count == 0, string.Join(Environment.NewLine, differences));
    }

    private static async Task<(StatusCode Code, byte[] Answer)> SendAsync(CallInvoker invoker, JsonElement recorded)
    {
        var path = recorded.GetProperty("method").GetString()!.Split('/');
        var method = new Method<byte[], byte[]>(MethodType.Unary, path[1], path[2], Raw, Raw);
        try
        {
            return (StatusCode.OK, await invoker.AsyncUnaryCall(method, null, default, Convert.FromHexString(recorded.GetProperty("request_hex").GetString()!)));
        }
        catch (RpcException e)
        {
            return (e.StatusCode, []);
        }
    }

    private static string? Difference(JsonElement recorded, StatusCode code, byte[] answer)
    {
        var status = recorded.GetProperty("status").GetString();
        if (status != "OK")
        {
            // Feast's Python server calls most mistakes UNKNOWN or INTERNAL, and lacks ServingService; ours says what they are.
            return status == "UNIMPLEMENTED" || code is StatusCode.InvalidArgument or StatusCode.NotFound or StatusCode.FailedPrecondition ? null : $"{status} was recorded, and the answer is {code}";
        }

        if (code != StatusCode.OK)
        {
            return $"OK was recorded, and the answer is {code}";
        }

        var expected = Convert.FromHexString(recorded.GetProperty("response_hex").GetString()!);
        if (!recorded.GetProperty("method").GetString()!.EndsWith("/GetOnlineFeatures", StringComparison.Ordinal))
        {
            return expected.AsSpan().SequenceEqual(answer) ? null : $"{Convert.ToHexString(expected)} against {Convert.ToHexString(answer)}";
        }

        var (one, other) = (ByName(expected), ByName(answer));
        return one.OrderBy(c => c.Key, StringComparer.Ordinal).SequenceEqual(other.OrderBy(c => c.Key, StringComparer.Ordinal)) ? null
            : $"{string.Join(" ", one)} against {string.Join(" ", other)}";
    }

    private static Dictionary<string, string> ByName(byte[] answer)
    {
        var message = GetOnlineFeaturesResponse.Parser.ParseFrom(answer);
        return message.Metadata.FeatureNames.Val.Zip(message.Results, (n, r) => (n, r.ToString())).ToDictionary(p => p.n, p => p.Item2);
    }
}
