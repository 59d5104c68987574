using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace FeatureStore.Tests.Servers;

/// <summary>
/// OpenStack Swift with its S3 protocol on free loopback ports: one process each for proxy, accounts, containers and objects, and memcached for
/// tokens. It knows no conditional writes. Its files lie in a temporary folder, which goes at the end.
/// </summary>
public sealed class SwiftServer : IAsyncDisposable
{
    public const string AccessKey = "test:tester";
    public const string SecretKey = "testing";
    private static readonly string[] Kinds = ["account", "container", "object"];
    private readonly string _folder;
    private readonly List<TestProgram> _programs = [];

    private SwiftServer(string folder) => _folder = folder;

    public Uri Endpoint { get; private set; } = null!;

    /// <summary>The front of it, to pause and kill.</summary>
    public TestProgram Proxy => _programs[^1];

    /// <summary>Starts one with these buckets; skips the test when a program is not installed.</summary>
    public static async Task<SwiftServer> StartAsync(params string[] buckets)
    {
        foreach (var program in (string[])["swift-proxy-server", "swift-account-server", "swift-container-server", "swift-object-server"])
        {
            TestProgram.Need(program, program[..^"-server".Length]);
        }

        TestProgram.Need("memcached", "memcached");
        var server = new SwiftServer(Directory.CreateTempSubdirectory("swift").FullName);
        try
        {
            await server.RunAsync();
            await server.MakeAsync(buckets);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync()
    {
        foreach (var program in Enumerable.Reverse(_programs))
        {
            program.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private async Task RunAsync()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "devices", "d1"));
        await WriteAsync("swift.conf", "[swift-hash]\nswift_hash_path_suffix = test\nswift_hash_path_prefix = test\n[storage-policy:0]\nname = gold\ndefault = yes\n");
        var memory = TestProgram.FreePort();
        await StartAsync("memcached", memory, "-u", Environment.UserName, "-l", "127.0.0.1", "-p", Text(memory));
        foreach (var kind in Kinds)
        {
            var port = TestProgram.FreePort();
            await RingAsync(kind, "create", "4", "1", "0");
            await RingAsync(kind, "add", $"r1z1-127.0.0.1:{Text(port)}/d1", "1");
            await RingAsync(kind, "rebalance");
            await WriteAsync($"{kind}-server.conf", $"""
                {Default(port)}
                devices = {_folder}/devices
                mount_check = false
                disable_fallocate = true
                fallocate_reserve = 0
                [pipeline:main]
                pipeline = {kind}-server
                [app:{kind}-server]
                use = egg:swift#{kind}
                """);
            await StartAsync($"swift-{kind}-server", port, Path.Combine(_folder, $"{kind}-server.conf"));
        }

        var front = TestProgram.FreePort();
        Endpoint = new Uri($"http://127.0.0.1:{Text(front)}");
        await WriteAsync("proxy-server.conf", $"""
            {Default(front)}
            [pipeline:main]
            pipeline = catch_errors cache s3api tempauth slo proxy-server
            [filter:catch_errors]
            use = egg:swift#catch_errors
            [filter:cache]
            use = egg:swift#memcache
            memcache_servers = 127.0.0.1:{Text(memory)}
            [filter:s3api]
            use = egg:swift#s3api
            location = us-east-1
            [filter:tempauth]
            use = egg:swift#tempauth
            user_test_tester = {SecretKey} .admin
            [filter:slo]
            use = egg:swift#slo
            [app:proxy-server]
            use = egg:swift#proxy
            account_autocreate = true
            """);
        await StartAsync("swift-proxy-server", front, Path.Combine(_folder, "proxy-server.conf"));
    }

    // It leaves root's rights for a user's, which here is the one who tests.
    private string Default(int port) => $"[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = {Text(port)}\nuser = {Environment.UserName}\nswift_dir = {_folder}\nworkers = 0";

    private async Task MakeAsync(string[] buckets)
    {
        using var client = new HttpClient(new HttpClientHandler { UseProxy = false });
        using var ask = new HttpRequestMessage(HttpMethod.Get, new Uri(Endpoint, "/auth/v1.0"));
        ask.Headers.Add("X-Auth-User", AccessKey);
        ask.Headers.Add("X-Auth-Key", SecretKey);
        using var answer = await client.SendAsync(ask);
        answer.EnsureSuccessStatusCode();
        foreach (var bucket in buckets)
        {
            using var put = new HttpRequestMessage(HttpMethod.Put, $"{answer.Headers.GetValues("X-Storage-Url").Single()}/{bucket}");
            put.Headers.Add("X-Auth-Token", answer.Headers.GetValues("X-Auth-Token").Single());
            using var made = await client.SendAsync(put);
            made.EnsureSuccessStatusCode();
        }
    }

    private async Task StartAsync(string program, int port, params string[] arguments) =>
        _programs.Add(await TestProgram.StartAsync(new ServerCommand(program, arguments, _folder, async cancellationToken =>
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", port, cancellationToken);
            return true;
        })));

    private async Task RingAsync(string kind, params string[] arguments)
    {
        using var ring = Process.Start(new ProcessStartInfo("swift-ring-builder", [$"{kind}.builder", .. arguments]) { WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = await ring.StandardOutput.ReadToEndAsync() + await ring.StandardError.ReadToEndAsync();
        await ring.WaitForExitAsync();

        // 1 is a warning: one device is no safe place.
        if (ring.ExitCode > 1)
        {
            throw new InvalidOperationException($"swift-ring-builder {kind} {arguments[0]} ended with code {ring.ExitCode}: {said}");
        }
    }

    private Task WriteAsync(string name, string text) => File.WriteAllTextAsync(Path.Combine(_folder, name), text);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
