using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Cli.Tests.Verbs;

/// <summary>What a server is sent over HTTP, from the push to the lake and back online.</summary>
public sealed partial class PushTests : IDisposable
{
    private const string Definitions =
        """
        entities: [{name: user, join_keys: [user_id], value_type: STRING}]
        sources: [{name: devices, path: pushed/devices, timestamp_field: seen}]
        push_sources: [{name: devices_push, batch_source: devices}]
        feature_views:
          - name: user_devices
            entities: [user]
            source: devices_push
            schema:
              - {name: device, dtype: String}
              - {name: logins, dtype: Int64}
              - {name: score, dtype: Float64}
        """;

    private readonly Fstore _fstore = new();

    public PushTests() => _fstore.Define(Definitions);

    public void Dispose() => _fstore.Dispose();

    [Fact]
    public async Task Push_OnlineAndOffline_IsServedLandedMaterialisedAndEqual()
    {
        Assert.Equal(0, (await _fstore.RunAsync("apply")).Code);
        using var server = _fstore.Start("serve", "--grpc-port", "0", "--http-port", "0");
        try
        {
            var line = await server.StandardOutput.ReadLineAsync();
            using var http = new HttpClient { BaseAddress = new Uri($"http://{Target().Matches(line ?? string.Empty)[^1].Value}") };

            // The same push twice, as a sender that lost the answer would.
            for (var i = 0; i < 2; i++)
            {
                await ExpectAsync(HttpStatusCode.OK, http, "push", Push("online_and_offline", "2026-11-01T10:00:00Z", "phone", 3));
            }

            await ExpectAsync(HttpStatusCode.OK, http, "push", Push("offline", "2026-11-02T10:00:00Z", "tablet", 4));
            Assert.Equal("phone", await DeviceAsync(http));

            var landed = await _fstore.RunAsync("ingest");
            Assert.Contains("pushed/devices: 6 rows landed", landed.Output, StringComparison.Ordinal);
            await ExpectAsync(HttpStatusCode.OK, http, "materialize", new { start_ts = "2026-10-01T00:00:00", end_ts = "2026-11-03T00:00:00", feature_views = new[] { "user_devices" } });
            Assert.Equal("tablet", await DeviceAsync(http));
            await ExpectAsync(HttpStatusCode.OK, http, "materialize-incremental", new { end_ts = "2026-11-04T00:00:00" });
            await ExpectAsync(HttpStatusCode.BadRequest, http, "materialize-incremental", new { end_ts = "2100-01-01T00:00:00" });
            await ExpectAsync(HttpStatusCode.BadRequest, http, "push", Push("offline", "yesterday", "tablet", 4));
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }

        var parity = await _fstore.RunAsync("verify", "parity");
        Assert.Equal(0, parity.Code);
        Assert.Contains("user_devices: 2 of 2 equal", parity.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apply_ViewGoneWhileServing_IsNoticedWithinSeconds()
    {
        Assert.Equal(0, (await _fstore.RunAsync("apply")).Code);
        using var server = _fstore.Start("serve", "--grpc-port", "0", "--http-port", "0");
        try
        {
            var line = await server.StandardOutput.ReadLineAsync();
            using var http = new HttpClient { BaseAddress = new Uri($"http://{Target().Matches(line ?? string.Empty)[^1].Value}") };
            await ExpectAsync(HttpStatusCode.OK, http, "push", Push("online", "2026-11-01T10:00:00Z", "phone", 3));
            _fstore.Define(Definitions[..Definitions.IndexOf("push_sources", StringComparison.Ordinal)]);
            Assert.Equal(0, (await _fstore.RunAsync("apply")).Code);

            // The default cache_ttl_seconds is ten minutes.
            await TestProgram.PollAsync("The server's look at the registry", async cancellationToken =>
            {
                using var answer = await http.PostAsJsonAsync("get-online-features", new { features = new[] { "user_devices:device" }, entities = new { user_id = new[] { "u1" } } }, cancellationToken);
                return answer.StatusCode == HttpStatusCode.NotFound;
            });
            await ExpectAsync(HttpStatusCode.UnprocessableEntity, http, "push", Push("online", "2026-11-01T11:00:00Z", "phone", 3));
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task Push_OfflineIntoPlainParquet_IsRefusedAndIngestGoesOn()
    {
        var parquet = Path.Combine(_fstore.Repo, "data", "lake", "pushed", "devices", "theirs.parquet");
        Directory.CreateDirectory(Path.GetDirectoryName(parquet)!);
        await File.WriteAllTextAsync(parquet, "somebody's");
        Assert.Equal(0, (await _fstore.RunAsync("apply")).Code);
        using var server = _fstore.Start("serve", "--grpc-port", "0", "--http-port", "0");
        try
        {
            var line = await server.StandardOutput.ReadLineAsync();
            using var http = new HttpClient { BaseAddress = new Uri($"http://{Target().Matches(line ?? string.Empty)[^1].Value}") };
            await ExpectAsync(HttpStatusCode.BadRequest, http, "push", Push("offline", "2026-11-01T10:00:00Z", "phone", 3));
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }

        Assert.Equal(0, (await _fstore.RunAsync("ingest")).Code);
        Assert.False(Directory.Exists(Path.Combine(Path.GetDirectoryName(parquet)!, "_delta_log")));
    }

    private static object Push(string to, string seen, string device, int logins) => new
    {
        push_source_name = "devices_push",
        to,
        df = new
        {
            user_id = new[] { "u1", "u2" },
            seen = new[] { seen, seen },
            device = new[] { device, null },
            logins = new[] { logins, logins + 1 },
            score = new[] { 0.5, -1.25 },
        },
    };

    private static async Task ExpectAsync(HttpStatusCode code, HttpClient http, string path, object body)
    {
        using var answer = await http.PostAsJsonAsync(path, body);
        Assert.True(code == answer.StatusCode, $"{path}: {answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
    }

    private static async Task<string?> DeviceAsync(HttpClient http)
    {
        using var answer = await http.PostAsJsonAsync("get-online-features", new { features = new[] { "user_devices:device" }, entities = new { user_id = new[] { "u1" } } });
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return body.RootElement.GetProperty("results")[1].GetProperty("values")[0].GetString();
    }

    [GeneratedRegex(@"127\.0\.0\.1:[0-9]+")]
    private static partial Regex Target();
}
