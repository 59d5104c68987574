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
    private readonly string _folder;
    private readonly List<TestProgram> _programs = [];

    private SwiftServer(string folder) => _folder = folder;

    public Uri Endpoint { get; private set; } = null!;

    /// <summary>The front of it, to pause and kill.</summary>
    public TestProgram Proxy => _programs[^1];

    /// <summary>Kinds of stores behind the front, each a process.</summary>
    public static IReadOnlyList<string> Stores { get; } = ["account", "container", "object"];

    /// <summary>Skips the test when a program is not installed; with <c>CI</c> set it fails instead.</summary>
    public static void Need()
    {
        foreach (var program in Stores.Prepend("proxy").Select(k => $"swift-{k}-server"))
        {
            TestProgram.Need(program, program[..^"-server".Length]);
        }

        TestProgram.Need("memcached", "memcached");
    }

    /// <summary>Starts one with these buckets; skips the test when a program is not installed.</summary>
    public static async Task<SwiftServer> StartAsync(params string[] buckets)
    {
        Need();
        var server = new SwiftServer(Directory.CreateTempSubdirectory("swift").FullName);
        try
        {
            var memory = TestProgram.FreePort();
            await server.StartAsync(MemcachedCommand(server._folder, memory));
            foreach (var kind in Stores)
            {
                await server.StartAsync(StoreCommand(server._folder, kind, TestProgram.FreePort()));
            }

            var front = TestProgram.FreePort();
            server.Endpoint = Address(front);
            await server.StartAsync(ProxyCommand(server._folder, front, memory));
            await MakeBucketsAsync(server.Endpoint, buckets);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Where the front on a port is asked.</summary>
    public static Uri Address(int port) => new($"http://127.0.0.1:{Text(port)}");

    /// <summary>How the cache for tokens is started.</summary>
    public static ServerCommand MemcachedCommand(string folder, int port) =>
        Command("memcached", port, folder, "-u", Environment.UserName, "-l", "127.0.0.1", "-p", Text(port));

    /// <summary>How a store is started; its settings and its ring, which tells the front its port, are written into the folder.</summary>
    /// <param name="folder">One for the whole server.</param>
    public static ServerCommand StoreCommand(string folder, string kind, int port)
    {
        Directory.CreateDirectory(Path.Combine(folder, "devices", "d1"));
        Write(folder, "swift.conf", "[swift-hash]\nswift_hash_path_suffix = test\nswift_hash_path_prefix = test\n[storage-policy:0]\nname = gold\ndefault = yes\n");
        File.Delete(Path.Combine(folder, $"{kind}.builder"));
        Ring(folder, kind, "create", "4", "1", "0");
        Ring(folder, kind, "add", $"r1z1-127.0.0.1:{Text(port)}/d1", "1");
        Ring(folder, kind, "rebalance");
        Write(folder, $"{kind}-server.conf", $"""
            {Default(folder, port)}
            devices = {folder}/devices
            mount_check = false
            disable_fallocate = true
            fallocate_reserve = 0
            [pipeline:main]
            pipeline = {kind}-server
            [app:{kind}-server]
            use = egg:swift#{kind}
            """);
        return Command($"swift-{kind}-server", port, folder, Path.Combine(folder, $"{kind}-server.conf"));
    }

    /// <summary>How the front is started, after the stores.</summary>
    public static ServerCommand ProxyCommand(string folder, int port, int memcached)
    {
        Write(folder, "proxy-server.conf", $"""
            {Default(folder, port)}
            [pipeline:main]
            pipeline = catch_errors cache s3api tempauth slo proxy-server
            [filter:catch_errors]
            use = egg:swift#catch_errors
            [filter:cache]
            use = egg:swift#memcache
            memcache_servers = 127.0.0.1:{Text(memcached)}
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
        return Command("swift-proxy-server", port, folder, Path.Combine(folder, "proxy-server.conf"));
    }

    /// <summary>Makes buckets; those that are there stay as they are.</summary>
    public static async Task MakeBucketsAsync(Uri endpoint, params IReadOnlyList<string> buckets)
    {
        using var client = new HttpClient(new HttpClientHandler { UseProxy = false });
        using var ask = new HttpRequestMessage(HttpMethod.Get, new Uri(endpoint, "/auth/v1.0"));
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

    public ValueTask DisposeAsync()
    {
        foreach (var program in Enumerable.Reverse(_programs))
        {
            program.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private async Task StartAsync(ServerCommand command) => _programs.Add(await TestProgram.StartAsync(command));

    private static ServerCommand Command(string program, int port, string folder, params string[] arguments) => new(program, arguments, folder, async cancellationToken =>
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port, cancellationToken);
        return true;
    });

    // It leaves root's rights for a user's, which here is the one who tests.
    private static string Default(string folder, int port) => $"[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = {Text(port)}\nuser = {Environment.UserName}\nswift_dir = {folder}\nworkers = 0";

    private static void Ring(string folder, string kind, params string[] arguments)
    {
        using var ring = Process.Start(new ProcessStartInfo("swift-ring-builder", [$"{kind}.builder", .. arguments]) { WorkingDirectory = folder, RedirectStandardOutput = true })!;
        var said = ring.StandardOutput.ReadToEnd();
        ring.WaitForExit();

        // 1 is a warning: one device is no safe place.
        if (ring.ExitCode > 1)
        {
            throw new InvalidOperationException($"swift-ring-builder {kind} {arguments[0]} ended with code {ring.ExitCode}: {said}");
        }
    }

    private static void Write(string folder, string name, string text) => File.WriteAllText(Path.Combine(folder, name), text);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
