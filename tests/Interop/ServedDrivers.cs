using System.Diagnostics;
using System.Text.RegularExpressions;
using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore;
using FeatureStore.OnlineStore.Sqlite;

namespace FeatureStore.Interop;

/// <summary>The built command as it is delivered: <c>fstore apply</c>, two rows in the store, <c>fstore serve</c>.</summary>
internal sealed partial class ServedDrivers : IAsyncDisposable
{
    public static readonly DateTimeOffset EventTime = new(2026, 11, 23, 0, 0, 0, TimeSpan.Zero);

    private static readonly TimeSpan StartWait = TimeSpan.FromMinutes(1);

    private readonly Process _server;

    private ServedDrivers(Process server, string address)
    {
        _server = server;
        Address = address;
    }

    public string Address { get; }

    public static async Task<ServedDrivers> StartAsync(string folder)
    {
        var repo = Path.Combine(folder, "repo");
        var source = Path.Combine(AppContext.BaseDirectory, "repo");
        foreach (var file in Directory.EnumerateFiles(source, "*.yaml", SearchOption.AllDirectories))
        {
            var target = Path.Combine(repo, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        using (var apply = Fstore(repo, "apply"))
        {
            var output = await apply.StandardOutput.ReadToEndAsync();
            await apply.WaitForExitAsync();
            Assert.True(apply.ExitCode == 0, output);
        }

        await WriteAsync(Path.Combine(repo, "data", "online.db"));
        return await ServeAsync(repo);
    }

    /// <summary>A second server over the same repo, for clients with a certificate of the authority alone.</summary>
    public Task<ServedDrivers> StartSecureAsync(string certificate, string key, string clientAuthority) =>
        ServeAsync(_server.StartInfo.WorkingDirectory, "--cert", certificate, "--key", key, "--client-ca", clientAuthority);

    public async ValueTask DisposeAsync()
    {
        _server.Kill(entireProcessTree: true);
        await _server.WaitForExitAsync();
        _server.Dispose();
    }

    private static async Task<ServedDrivers> ServeAsync(string repo, params string[] arguments)
    {
        var server = Fstore(repo, ["serve", "--grpc-port", "0", "--http-port", "0", .. arguments]);
        using var limit = new CancellationTokenSource(StartWait);
        while (await server.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            if (Listening().Match(line) is { Success: true } match)
            {
                return new ServedDrivers(server, match.Groups[1].Value);
            }
        }

        throw new InvalidOperationException("fstore serve ended before it listened.");
    }

    private static async Task WriteAsync(string path)
    {
        await using var store = new SqliteOnlineStore(path);
        var table = new OnlineTable("interop", "drivers", ["rating", "city"]);
        EncodedRow[] rows =
        [
            Row(1001, ValueBytes.Double(4.75), ValueBytes.Text("Oslo")),
            Row(1002, ValueBytes.Null, ValueBytes.Text("Zürich")),
        ];
        await store.EnsureTablesAsync([table], CancellationToken.None);
        await store.WriteAsync(table, rows, OnlineWriteRule.NewerOrEqualWins, CancellationToken.None);
    }

    private static EncodedRow Row(long driver, params byte[][] values) => new(
        EntityKeyEncoder.Encode([("driver_id", new Value { Int64Val = driver })], 3), EventTime.ToUnixTimeMilliseconds() * 1000, null, values);

    private static Process Fstore(string repo, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, WorkingDirectory = repo };
        start.ArgumentList.Add(ForeignClient.Metadata("Fstore"));
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    [GeneratedRegex(@"(127\.0\.0\.1:\d+)")]
    private static partial Regex Listening();
}
