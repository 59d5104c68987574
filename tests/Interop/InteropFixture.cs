using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Feast.Serving;
using FeatureStore.Client.Tests.Server;
using FeatureStore.Interop.Messages;
using FeatureStore.Interop.Server;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Health.V1;

namespace FeatureStore.Interop;

/// <summary>Starts the servers once and runs each foreign client once; the tests look at what it reported.</summary>
public sealed class InteropFixture : IAsyncLifetime
{
    public static readonly TimeSpan ClientWait = TimeSpan.FromMinutes(3);

    private readonly string _folder = Directory.CreateTempSubdirectory("interop").FullName;
    private readonly SelfMadeCertificates _authority = new("authority of the interop tests");
    private readonly SelfMadeCertificates _stranger = new("another authority");
    private readonly ConcurrentDictionary<ForeignClient, Task<ClientReport>> _reports = new();
    private InteropServer? _server;
    private ServedDrivers? _drivers;
    private ServedDrivers? _secureDrivers;

    /// <summary>Methods whose work the interop server stopped.</summary>
    public IReadOnlyCollection<string> Stopped => _server!.Service.Stopped;

    public async Task InitializeAsync()
    {
        using var client = _authority.Issue("client");
        Write("root.pem", _authority.Root.ExportCertificatePem());
        Write("stranger.pem", _stranger.Root.ExportCertificatePem());
        Write("client", client);
        await File.WriteAllBytesAsync(Path.Combine(_folder, "descriptors"), Descriptors());
        Write("expired", _authority.Issue("client", isExpired: true));
        Write("foreign", _stranger.Issue("client"));
        Write("server", _authority.Issue("server"));
        _server = await InteropServer.StartAsync(
            _authority.Issue("server"), client.Thumbprint, _authority.Issue("server", isExpired: true), _authority.Issue("server", host: "other.example"));
        _drivers = await ServedDrivers.StartAsync(_folder);
        _secureDrivers = await _drivers.StartSecureAsync(Path.Combine(_folder, "server.pem"), Path.Combine(_folder, "server.key"), Path.Combine(_folder, "root.pem"));
    }

    public async Task DisposeAsync()
    {
        foreach (var drivers in new[] { _secureDrivers, _drivers }.OfType<ServedDrivers>())
        {
            await drivers.DisposeAsync();
        }

        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        _authority.Dispose();
        _stranger.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    internal Task<ClientReport> ReportAsync(ForeignClient client) => _reports.GetOrAdd(client, RunAsync);

    private async Task<ClientReport> RunAsync(ForeignClient client)
    {
        var setup = JsonSerializer.Serialize(new
        {
            plain = _server!.Plain,
            tls = _server.Tls,
            mutualTls = _server.MutualTls,
            expired = _server.Expired,
            otherName = _server.OtherName,
            feast = _drivers!.Address,
            feastMutualTls = _secureDrivers!.Address,
            eventSeconds = ServedDrivers.EventTime.ToUnixTimeSeconds(),
            certificates = _folder,
            descriptors = Path.Combine(_folder, "descriptors"),
            interopProtos = Path.Combine(ForeignClient.Folder, "proto"),
            feastProtos = Path.Combine(ForeignClient.Folder, "..", "..", "proto"),
        });
        var start = new ProcessStartInfo(client.Program) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(client.Script);
        start.ArgumentList.Add(setup);
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(ClientWait);
        await using var kill = limit.Token.Register(() => process.Kill(entireProcessTree: true));
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        var output = await process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        await process.WaitForExitAsync(CancellationToken.None);
        return ClientReport.Parse(output, await errors);
    }

    private void Write(string name, X509Certificate2 certificate)
    {
        Write(name + ".pem", certificate.ExportCertificatePem());
        Write(name + ".key", certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);

    // What python3-protobuf makes its messages from, so that no code is generated for it: every file after those it imports.
    private static byte[] Descriptors()
    {
        var set = new FileDescriptorSet();
        var seen = new HashSet<string>();
        Add(InteropReflection.Descriptor);
        Add(ServingServiceReflection.Descriptor);
        Add(HealthReflection.Descriptor);
        Add(Grpc.Reflection.V1.ReflectionReflection.Descriptor);
        Add(Grpc.Reflection.V1Alpha.ReflectionReflection.Descriptor);
        return set.ToByteArray();

        void Add(FileDescriptor file)
        {
            if (seen.Add(file.Name))
            {
                foreach (var dependency in file.Dependencies)
                {
                    Add(dependency);
                }

                set.File.Add(FileDescriptorProto.Parser.ParseFrom(file.SerializedData));
            }
        }
    }
}
