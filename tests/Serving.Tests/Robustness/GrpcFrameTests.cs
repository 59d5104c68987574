using System.Buffers.Binary;
using System.IO.Compression;
using System.Net;
using System.Text;
using Feast.GrpcServer;
using Feast.Serving;
using FeatureStore.Contract.Values;
using FeatureStore.Serving.Retrieval;
using Google.Protobuf;

namespace FeatureStore.Serving.Tests.Robustness;

/// <summary>gRPC as bytes over plain HTTP/2: every stream ends with a grpc-status, and before its deadline.</summary>
public sealed class GrpcFrameTests : IAsyncLifetime
{
    private const int Mutants = 400;
    private const int HeaderBytes = 5;
    private const int MessageBytesMax = 65_536;
    private const string Read = "/feast.serving.ServingService/GetOnlineFeatures";
    private const string Ok = "0";
    private const string ResourceExhausted = "8";
    private const string DeadlineExceeded = "4";
    private const string Unimplemented = "12";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private ServedBank _bank = null!;
    private HttpClient _http = null!;
    private byte[] _valid = [];

    public async Task InitializeAsync()
    {
        _bank = await ServedBank.StartAsync(new RetrievalLimits(MessageBytesMax: MessageBytesMax));
        _bank.PutWeekly("u1", ValueBytes.Int64(3), ValueBytes.Double(1.5), ValueBytes.Null);
        _http = new HttpClient { BaseAddress = _bank.Server.GrpcAddress, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact, Timeout = Patience };
        var request = new GetOnlineFeaturesRequest { FeatureService = "fraud_v1", FullFeatureNames = true };
        request.Entities["user_id"] = new Feast.Types.RepeatedValue { Val = { ServedBank.Text("u1"), ServedBank.Text("nobody") } };
        _valid = request.ToByteArray();
    }

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _bank.DisposeAsync();
    }

    [Fact]
    public async Task Ask_FrameSplitAtEachByte_IsAnsweredTheSame()
    {
        var frame = Frame(_valid);
        var (status, whole) = await SendAsync(Read, [frame]);
        Assert.Equal(Ok, status);
        for (var at = 1; at < frame.Length; at++)
        {
            var (split, answer) = await SendAsync(Read, [frame[..at], frame[at..]]);
            Assert.True((split, Convert.ToHexString(answer)) == (Ok, Convert.ToHexString(whole)), $"split at {at}: {split}");
        }
    }

    [Fact]
    public async Task Ask_FrameCutAtEachByte_IsRefused()
    {
        var frame = Frame(_valid);
        for (var length = 0; length < frame.Length; length++)
        {
            var (status, _) = await SendAsync(Read, [frame[..length]]);
            Assert.True(status != Ok, $"cut at {length}: {status}");
        }
    }

    [Theory]
    [InlineData(65_537u)]
    [InlineData(0x7fffffffu)]
    [InlineData(0x80000000u)]
    [InlineData(0xffffffffu)]
    public async Task Ask_LengthBeyondTheLimit_IsResourceExhaustedBeforeItIsRead(uint length)
    {
        var frame = Frame(_valid);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), length);
        var (status, _) = await SendAsync(Read, [frame]);
        Assert.True(length > int.MaxValue ? status != Ok : status == ResourceExhausted, status);
    }

    [Fact]
    public async Task Ask_EachCompressionFlag_IsRefusedWithoutAnEncoding()
    {
        for (var flag = 1; flag < 256; flag++)
        {
            var frame = Frame(_valid);
            frame[0] = (byte)flag;
            var (status, _) = await SendAsync(Read, [frame]);
            Assert.True(status != Ok, $"flag {flag}: {status}");
        }
    }

    [Fact]
    public async Task Ask_CompressedBadlyOrTooLargeInside_IsRefused()
    {
        Assert.Equal(Ok, (await SendAsync(Read, [Frame(Gzip(_valid), 1)], "gzip")).Status);
        Assert.Equal(Unimplemented, (await SendAsync(Read, [Frame(_valid, 1)], "lzma")).Status);
        Assert.NotEqual(Ok, (await SendAsync(Read, [Frame(_valid, 1)], "gzip")).Status);
        var zipped = Gzip(_valid);
        for (var length = 0; length < zipped.Length; length++)
        {
            // The platform's gzip takes a member without its end, so the last cuts may be answered; a status there must be.
            var (status, _) = await SendAsync(Read, [Frame(zipped[..length], 1)], "gzip", $"gzip cut at {length}");
            Assert.True(status != Ok || length > zipped.Length / 2, $"gzip cut at {length}");
        }

        // 32 MiB that travel as 32 KiB: refused by what they become.
        Assert.Equal(ResourceExhausted, (await SendAsync(Read, [Frame(Gzip(new byte[32 * 1024 * 1024]), 1)], "gzip")).Status);
    }

    [Fact]
    public async Task Ask_MutatedMessages_EndWithAStatus()
    {
        var random = new Random(Fuzzing.Seed);
        var push = new PushRequest { StreamFeatureView = "weekly_push", To = "online", Features = { ["user_id"] = "u1", ["event_timestamp"] = "2026-11-23", ["count"] = "1" } };
        push.TypedFeatures["average"] = new Feast.Types.Value { DoubleVal = 0.5 };
        (string Method, byte[] Message)[] valid =
        [
            (Read, _valid),
            ("/GrpcFeatureServer/GetOnlineFeatures", _valid),
            ("/GrpcFeatureServer/Push", push.ToByteArray()),
            ("/GrpcFeatureServer/WriteToOnlineStore", push.ToByteArray()),
            ("/grpc.health.v1.Health/Check", [10, 1, 65]),
        ];
        for (var i = 0; i < Fuzzing.Times(Mutants); i++)
        {
            foreach (var (method, message) in valid)
            {
                var whole = random.Next(2) == 0;
                var sent = whole ? Frame(Fuzzing.Mutate(message, random)) : Fuzzing.Mutate(Frame(message), random);
                var (status, _) = await SendAsync(method, [sent], where: $"seed {Fuzzing.Seed}, {method}, {Convert.ToHexString(sent)}");

                // UNKNOWN is what a fault that nobody thought of becomes; the library says it of broken frames, and of messages that it reads itself.
                Assert.True(status != "2" || !whole || method.Contains("health", StringComparison.Ordinal), $"seed {Fuzzing.Seed}, {method}, {Convert.ToHexString(sent)}: UNKNOWN");
            }
        }

        Assert.Equal(Ok, (await SendAsync(Read, [Frame(_valid)])).Status);
    }

    [Fact]
    public async Task Ask_StreamLeftOpen_EndsWithTheDeadline()
    {
        var open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var frame = Frame(_valid);
        using var request = Request(Read, new Pieces([frame[..^1]], open.Task), null);
        request.Headers.Add("grpc-timeout", "300m");
        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);

        // The status comes with the headers, for there is no answer; the half-open stream is reset right after.
        Assert.Equal(DeadlineExceeded, Status(answer));
        open.SetResult();
    }

    [Theory]
    [InlineData("/feast.serving.ServingService/Nope")]
    [InlineData("/")]
    [InlineData("/get-online-features")]
    public async Task Ask_UnknownMethod_IsUnimplemented(string path)
    {
        using var request = Request(path, new Pieces([Frame(_valid)], Task.CompletedTask), null);
        using var answer = await _http.SendAsync(request);
        Assert.True(Status(answer) == Unimplemented || answer.StatusCode == HttpStatusCode.NotFound, $"{answer.StatusCode} {Status(answer)}");
    }

    private static byte[] Frame(byte[] message, byte flag = 0)
    {
        var frame = new byte[HeaderBytes + message.Length];
        frame[0] = flag;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame.AsSpan(HeaderBytes));
        return frame;
    }

    private static byte[] Gzip(byte[] message)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Optimal))
        {
            gzip.Write(message);
        }

        return target.ToArray();
    }

    private static HttpRequestMessage Request(string path, HttpContent content, string? encoding)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content, Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Add("te", "trailers");
        content.Headers.ContentType = new("application/grpc");
        if (encoding is not null)
        {
            request.Headers.Add("grpc-encoding", encoding);
        }

        return request;
    }

    private static string? Status(HttpResponseMessage answer) =>
        (answer.TrailingHeaders.TryGetValues("grpc-status", out var values) || answer.Headers.TryGetValues("grpc-status", out values)) ? values.Single() : null;

    private async Task<(string Status, byte[] Body)> SendAsync(string method, byte[][] pieces, string? encoding = null, string? where = null)
    {
        using var request = Request(method, new Pieces(pieces, Task.CompletedTask), encoding);
        using var answer = await _http.SendAsync(request);
        var body = await answer.Content.ReadAsByteArrayAsync();
        Assert.True(Status(answer) is not null, $"{where ?? method}: no grpc-status, {answer.StatusCode} {Encoding.UTF8.GetString(body)}");
        return (Status(answer)!, body);
    }

    /// <summary>Sends each piece in a frame of its own and ends with the task.</summary>
    private sealed class Pieces(byte[][] pieces, Task end) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            foreach (var piece in pieces)
            {
                await stream.WriteAsync(piece);
                await stream.FlushAsync();
            }

            await end;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
