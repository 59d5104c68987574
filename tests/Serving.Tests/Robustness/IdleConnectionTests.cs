using System.Net;
using System.Net.Sockets;
using System.Text;
using FeatureStore.Contract.Values;
using FeatureStore.Serving.Hosting;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;

namespace FeatureStore.Serving.Tests.Robustness;

/// <summary>Callers who hold connections and streams without using them, or who send a byte at a time: reads go on, and the slow are let go.</summary>
public sealed class IdleConnectionTests
{
    private const int Idle = 1_000;
    private const int SocketsMax = 4_000;
    private const int Slow = 50;
    private const string Body = """{"feature_service":"fraud_v1","entities":{"user_id":["u1"]}}""";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(50);

    // The client's connection preface of RFC 9113 §3.4, and empty settings.
    private static readonly byte[] Preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0];

    // A stream with a body to come: POST to / as literal headers that no table shortens.
    private static readonly byte[] OpenStream = Headers(":method", "POST", ":scheme", "http", ":path", "/feast.serving.ServingService/GetOnlineFeatures", "content-type", "application/grpc", "te", "trailers");

    private static readonly ConnectionLimits Short = ConnectionLimits.Default with
    {
        HeadersMax = TimeSpan.FromSeconds(1),
        IdleMax = TimeSpan.FromSeconds(2),
        BodyGrace = TimeSpan.FromSeconds(1.5),
    };

    [Fact]
    public async Task Ask_AmongIdleConnectionsAndStreams_IsAnswered()
    {
        await using var bank = await ServedBank.StartAsync();
        bank.PutWeekly("u1", ValueBytes.Int64(3), ValueBytes.Null, ValueBytes.Null);
        var sockets = new List<Socket>();
        using var channel = GrpcChannel.ForAddress(bank.Server.GrpcAddress, new GrpcChannelOptions { HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true } });
        var watches = new List<AsyncServerStreamingCall<HealthCheckResponse>>();
        try
        {
            var health = new Health.HealthClient(channel);
            for (var i = 0; i < Fuzzing.Times(Idle); i++)
            {
                watches.Add(health.Watch(new HealthCheckRequest()));
            }

            foreach (var watch in watches)
            {
                Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Patience));
            }

            for (var i = 0; i < Math.Min(SocketsMax, Fuzzing.Times(Idle)); i++)
            {
                var port = i % 2 == 0 ? bank.Server.HttpAddress.Port : bank.Server.GrpcAddress.Port;
                sockets.Add(await ConnectAsync(port));
                await sockets[^1].SendAsync(i % 2 == 0 ? "POST /get-online-features HTTP/1.1\r\nHo"u8.ToArray() : Preface);
            }

            for (var i = 0; i < 20; i++)
            {
                await AssertReadsAsync(bank);
            }
        }
        finally
        {
            watches.ForEach(w => w.Dispose());
            sockets.ForEach(s => s.Dispose());
        }

        await AssertReadsAsync(bank);
    }

    public static TheoryData<string> SlowCallers => ["headers", "body", "preface", "frame", "stream"];

    [Theory]
    [MemberData(nameof(SlowCallers))]
    public async Task Ask_AmongCallersOfAByteAtATime_IsAnsweredAndTheyAreLetGo(string kind)
    {
        await using var bank = await ServedBank.StartAsync(connections: Short);
        bank.PutWeekly("u1", ValueBytes.Int64(3), ValueBytes.Null, ValueBytes.Null);
        var (port, first, trickle) = kind switch
        {
            "headers" => (bank.Server.HttpAddress.Port, [], "POST /get-online-features HTTP/1.1\r\nHost: a\r\nX-Long: "u8.ToArray()),
            "body" => (bank.Server.HttpAddress.Port, "POST /get-online-features HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"u8.ToArray(), " "u8.ToArray()),
            "preface" => (bank.Server.GrpcAddress.Port, [], Preface[..20]),
            "frame" => (bank.Server.GrpcAddress.Port, Preface, OpenStream[..30]),
            _ => (bank.Server.GrpcAddress.Port, (byte[])[.. Preface, .. OpenStream], new byte[] { 0, 0, 1, 0, 0, 0, 0, 0, 1, 0 }),
        };
        using var stop = new CancellationTokenSource(Patience);
        var callers = Enumerable.Range(0, Slow).Select(_ => TrickleAsync(port, first, trickle, stop.Token)).ToArray();
        var all = Task.WhenAll(callers);
        do
        {
            await AssertReadsAsync(bank);
        }
        while (await Task.WhenAny(all, Task.Delay(Beat, stop.Token)) != all && !stop.IsCancellationRequested);
        foreach (var said in await all)
        {
            Assert.True(said is not null, $"{kind}: still held after {Patience.TotalSeconds} s");
            Assert.True(kind is not ("headers" or "body") || said.Contains(" 408 ", StringComparison.Ordinal) || said.Length == 0, $"{kind}: {said}");
        }

        await AssertReadsAsync(bank);
    }

    private static byte[] Headers(params string[] pairs)
    {
        var block = new List<byte>();
        for (var i = 0; i < pairs.Length; i += 2)
        {
            // RFC 7541 §6.2.2: a literal without indexing, with a new name.
            byte[] name = Encoding.ASCII.GetBytes(pairs[i]), value = Encoding.ASCII.GetBytes(pairs[i + 1]);
            block.AddRange([0, (byte)name.Length, .. name, (byte)value.Length, .. value]);
        }

        // HEADERS with END_HEADERS on stream 1.
        return [0, 0, (byte)block.Count, 1, 4, 0, 0, 0, 1, .. block];
    }

    private static async Task<Socket> ConnectAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return socket;
    }

    /// <summary>Sends a byte each beat until the server lets go, and returns what it said; null if it never did.</summary>
    private static async Task<string?> TrickleAsync(int port, byte[] first, byte[] trickle, CancellationToken stop)
    {
        using var socket = await ConnectAsync(port);
        var said = new StringBuilder();
        try
        {
            await socket.SendAsync(first, stop);
            var hearing = HearAsync(socket, said, stop);
            for (var i = 0; ; i++)
            {
                await socket.SendAsync(new[] { trickle[i % trickle.Length] }, stop);
                if (await Task.WhenAny(hearing, Task.Delay(Beat, stop)) == hearing)
                {
                    await hearing;
                    return said.ToString();
                }
            }
        }
        catch (SocketException)
        {
            return said.ToString();
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    // Ends when the connection does, or HTTP/2 ends the stream (RST_STREAM is frame 3) or the connection (GOAWAY is 7).
    private static async Task HearAsync(Socket socket, StringBuilder said, CancellationToken stop)
    {
        var buffer = new byte[4_096];
        while (await socket.ReceiveAsync(buffer, stop) is > 0 and var size)
        {
            said.Append(Encoding.Latin1.GetString(buffer, 0, size));
            for (var at = 0; at + 9 <= size && buffer[0] == 0; at += 9 + (buffer[at] << 16) + (buffer[at + 1] << 8) + buffer[at + 2])
            {
                if (buffer[at + 3] is 3 or 7)
                {
                    return;
                }
            }
        }
    }

    private static async Task AssertReadsAsync(ServedBank bank)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        Assert.Equal(HttpStatusCode.OK, (await bank.PostAsync("/get-online-features", Body, deadline.Token)).Status);
        var request = new Feast.Serving.GetOnlineFeaturesRequest { FeatureService = "fraud_v1" };
        request.Entities["user_id"] = new Feast.Types.RepeatedValue { Val = { ServedBank.Text("u1") } };
        Assert.Equal(3, (await bank.Grpc.GetOnlineFeaturesAsync(request, DateTime.UtcNow.AddSeconds(5), CancellationToken.None)).Results[1].Values[0].Int64Val);
    }
}
