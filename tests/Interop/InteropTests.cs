using System.Diagnostics;

namespace FeatureStore.Interop;

/// <summary>gRPC's interoperability cases and Feast's calls, run by clients that are not ours.</summary>
public sealed class InteropTests(InteropFixture fixture) : IClassFixture<InteropFixture>
{
    private static readonly string[] Cases =
    [
        "empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream",
        "status_code_and_message", "special_status_message", "unimplemented_method", "unimplemented_service", "custom_metadata",
        "timeout_on_sleeping_server", "cancel_after_begin", "cancel_after_first_response",
        "client_compressed_unary", "server_compressed_unary", "server_compressed_streaming", "status_details", "tls", "mutual_tls",
        "feast_get_online_features", "feast_references", "feast_serving_info", "feast_errors", "feast_error_details", "feast_mutual_tls",
        "health_check", "health_watch", "reflection_v1", "reflection_v1alpha",
    ];

    private const int CancelsMin = 2;
    private static readonly TimeSpan StopWait = TimeSpan.FromSeconds(20);

    public static TheoryData<string, string> ClientsAndCases()
    {
        var data = new TheoryData<string, string>();
        foreach (var client in new[] { ForeignClient.Node, ForeignClient.Python })
        {
            foreach (var name in Cases)
            {
                data.Add(client.Name, name);
            }
        }

        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(ClientsAndCases))]
    public async Task Case_RunByAForeignClient_Passes(string client, string name)
    {
        var report = await ReportAsync(client);
        Assert.True(report.Faults.TryGetValue(name, out var fault), $"{client} did not run {name}: {report.Errors}");
        Assert.True(fault is null, fault);
    }

    [SkippableTheory]
    [InlineData("node")]
    [InlineData("python")]
    public async Task Client_OfItsCases_RunsThoseAndNoOthers(string client) =>
        Assert.Equal(Cases.Order(), (await ReportAsync(client)).Faults.Keys.Order());

    [SkippableFact]
    public async Task Server_AfterCancelsAndTimeouts_HasStoppedItsWork()
    {
        await ReportAsync("node");
        await ReportAsync("python");

        // One cancel after a first answer for each client. A cancel just after the begin, and a call whose millisecond is over before
        // it is sent, may stay in the client.
        var clock = Stopwatch.StartNew();
        while (Count("FullDuplexCall") < CancelsMin && clock.Elapsed < StopWait)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }

        Assert.True(Count("FullDuplexCall") >= CancelsMin, string.Join(", ", fixture.Stopped));
    }

    private int Count(string method) => fixture.Stopped.Count(s => s.EndsWith(method, StringComparison.Ordinal));

    private Task<ClientReport> ReportAsync(string name)
    {
        var client = ForeignClient.ByName(name);
        if (!client.IsInstalled())
        {
            const string Advice = "its gRPC client is not installed; run tests/Interop/install.sh";
            Skip.If(Environment.GetEnvironmentVariable("CI") is null or "", $"{name}: {Advice}");
            Assert.Fail($"{name}: {Advice}");
        }

        return fixture.ReportAsync(client);
    }
}
