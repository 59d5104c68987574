using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace FeatureStore.Tests.Servers;

/// <summary>
/// A real Kafka broker with its ZooKeeper on free loopback ports in a temporary folder, killed at the end. It is 0.9.0.1, the newest whose jars install.sh can bring:
/// it keeps neither headers nor times of messages, tells no ids of cluster and topics, and its clients need <see cref="ClientSettings"/>.
/// </summary>
public sealed class KafkaServer : IAsyncDisposable
{
    private const int PortTriesMax = 5;
    private const string Java = "java";

    // An own broker of the same id is forgotten after this, so that a killed one can come back.
    private const int SessionMillis = 1_500;

    // Kafka's Metadata, version 0, of all topics: length, key 3, version, correlation, no client id, no names. Its answer: length, correlation, number of brokers, …
    private static readonly byte[] MetadataRequest = [0, 0, 0, 14, 0, 3, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0];
    private readonly string _folder;
    private readonly TestProgram _zookeeper;
    private TestProgram _broker;

    private KafkaServer(int port, string folder, TestProgram zookeeper, TestProgram broker) =>
        (Port, _folder, _zookeeper, _broker) = (port, folder, zookeeper, broker);

    public int Port { get; }

    /// <summary><c>127.0.0.1:port</c>.</summary>
    public string Address => $"{IPAddress.Loopback}:{Port}";

    /// <summary>What librdkafka has to be told of so old a broker, which cannot be asked what it can do.</summary>
    public static IReadOnlyDictionary<string, string> ClientSettings { get; } = new Dictionary<string, string>
    {
        ["api.version.request"] = "false",
        ["broker.version.fallback"] = "0.9.0.1",
    };

    /// <summary>Skips the test when Java or Kafka's jars are missing; with <c>CI</c> set it fails instead.</summary>
    public static void Need()
    {
        TestProgram.Need(Java, "openjdk-17-jre-headless");
        TestProgram.Need(Jars() is not null, "Kafka's jars are not there; run tests/Servers/install.sh.");
    }

    /// <summary>Starts ZooKeeper and a broker. <paramref name="settings"/> are lines of server.properties, as <c>num.partitions=3</c>.</summary>
    public static async Task<KafkaServer> StartAsync(params string[] settings)
    {
        Need();
        var folder = Directory.CreateTempSubdirectory("kafka").FullName;
        var (zookeeperPort, zookeeper) = await OnFreePortAsync(port => ZookeeperCommand(folder, port));
        try
        {
            var (port, broker) = await OnFreePortAsync(port => BrokerCommand(folder, port, zookeeperPort, settings));
            return new KafkaServer(port, folder, zookeeper, broker);
        }
        catch
        {
            zookeeper.Dispose();
            throw;
        }
    }

    /// <summary>Ends the broker as SIGKILL does; what it wrote is there when it comes back.</summary>
    public void Kill() => _broker.Kill();

    /// <summary>Starts a killed broker again, on the same port.</summary>
    public async Task RestartAsync()
    {
        _broker.Dispose();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                _broker = await TestProgram.StartAsync(Broker(_folder, Port));
                return;
            }
            catch (InvalidOperationException) when (attempt < PortTriesMax)
            {
                // ZooKeeper still knows the one that was killed.
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        // In this order and by force: a broker without its ZooKeeper never ends by itself.
        _broker.Dispose();
        _zookeeper.Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private static async Task<(int Port, TestProgram Program)> OnFreePortAsync(Func<int, ServerCommand> command)
    {
        for (var attempt = 1; ; attempt++)
        {
            // Another program may take the port between the look and the start.
            var port = TestProgram.FreePort();
            try
            {
                return (port, await TestProgram.StartAsync(command(port)));
            }
            catch (InvalidOperationException) when (attempt < PortTriesMax)
            {
            }
        }
    }

    /// <summary>How ZooKeeper on the port is started; its settings are written into the folder.</summary>
    public static ServerCommand ZookeeperCommand(string folder, int port)
    {
        File.WriteAllLines(
            Path.Combine(folder, "zookeeper.properties"),
            [$"dataDir={folder}/zookeeper", $"clientPort={port}", $"clientPortAddress={IPAddress.Loopback}", "maxClientCnxns=0", "tickTime=500", "forceSync=no"]);
        return Command(folder, "64m", ["org.apache.zookeeper.server.quorum.QuorumPeerMain", "zookeeper.properties"], async cancellationToken =>
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            await client.GetStream().WriteAsync("ruok"u8.ToArray(), cancellationToken);
            var reply = new byte[4];
            return await client.GetStream().ReadAtLeastAsync(reply, reply.Length, throwOnEndOfStream: false, cancellationToken) == reply.Length && reply.AsSpan().SequenceEqual("imok"u8);
        });
    }

    /// <summary>How a broker on the port is started; its settings are written into the folder.</summary>
    public static ServerCommand BrokerCommand(string folder, int port, int zookeeperPort, params string[] settings)
    {
        File.WriteAllLines(
            Path.Combine(folder, "server.properties"),
            [
                "broker.id=0",
                $"listeners=PLAINTEXT://{IPAddress.Loopback}:{port}",
                $"log.dirs={folder}/logs",
                $"zookeeper.connect={IPAddress.Loopback}:{zookeeperPort}",
                $"zookeeper.session.timeout.ms={SessionMillis.ToString(CultureInfo.InvariantCulture)}",
                "offsets.topic.num.partitions=2",
                "offsets.topic.replication.factor=1",
                "group.min.session.timeout.ms=1000",
                "num.network.threads=2",
                "num.io.threads=2",
                "log.cleaner.enable=false",
                "controlled.shutdown.enable=false",
                .. settings,
            ]);
        return Broker(folder, port);
    }

    // It listens before it is in ZooKeeper, and ends again there while an own one of before is not forgotten: it is up when it names itself to clients.
    private static ServerCommand Broker(string folder, int port) => Command(folder, "256m", ["kafka.Kafka", "server.properties"], async cancellationToken =>
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
        await client.GetStream().WriteAsync(MetadataRequest, cancellationToken);
        var reply = new byte[12];
        return await client.GetStream().ReadAtLeastAsync(reply, reply.Length, throwOnEndOfStream: false, cancellationToken) == reply.Length
            && BinaryPrimitives.ReadInt32BigEndian(reply.AsSpan(8)) > 0;
    });

    private static ServerCommand Command(string folder, string heap, string[] program, Func<CancellationToken, Task<bool>> isReady)
    {
        File.WriteAllText(
            Path.Combine(folder, "log4j.properties"),
            "log4j.rootLogger=WARN, out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\nlog4j.appender.out.layout=org.apache.log4j.SimpleLayout\n");
        return new ServerCommand(
            Java, [$"-Xmx{heap}", "-XX:+UseSerialGC", "-Dlog4j.configuration=file:log4j.properties", "-cp", Path.Combine(Jars()!, "*"), .. program], folder, isReady);
    }

    // Where install.sh unpacks them, in the working tree above the test's own folder.
    private static string? Jars()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var jars = Path.Combine(folder.FullName, "tests", "Servers", "kafka", "libs");
            if (Directory.Exists(jars))
            {
                return jars;
            }
        }

        return null;
    }
}
