using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace FeatureStore.Load.Wire;

/// <summary>One request of a load: the message, and the answer it must get, null if not known yet.</summary>
internal sealed record LoadRequest(byte[] Message, byte[]? Expected);

/// <summary>One HTTP/2 connection with many calls in flight, driven by one thread. Not safe for concurrent use.</summary>
internal sealed class LoadConnection : IDisposable
{
    private const int BufferBytes = 1 << 20;
    private const int MessagePrefixBytes = 5;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _input = new byte[BufferBytes];
    private readonly MemoryStream _output = new();
    private readonly Dictionary<int, Pending> _pending = [];
    private readonly Stack<Pending> _free = new();
    private readonly byte[] _first;
    private readonly byte[][] _calls;
    private readonly IReadOnlyList<LoadRequest> _requests;
    private int _nextStream = 1;
    private int _buffered;
    private long _receivedSinceWindow;

    public LoadConnection(IPEndPoint server, string path, IReadOnlyList<LoadRequest> requests)
    {
        _requests = requests;
        _calls = [.. requests.Select(r => GrpcFrames.Call(path, server.ToString(), r.Message, first: false))];
        _first = GrpcFrames.Call(path, server.ToString(), requests[0].Message, first: true);
        _socket.Connect(server);
        _socket.Send(GrpcFrames.Preface());
    }

    public int InFlight => _pending.Count;

    /// <summary>Of the first answer that was not the expected one: its size and where it differs. No bytes are a refusal.</summary>
    public string? FirstWrong { get; private set; }

    /// <summary>Queues a call; it leaves with <see cref="Flush"/>.</summary>
    /// <param name="request">Index among the requests; the connection's first call is always request 0.</param>
    /// <param name="started">The timestamp that its latency counts from.</param>
    public void Begin(int request, long started)
    {
        var first = _nextStream == 1;
        var call = first ? _first : _calls[request];
        var pending = _free.Count > 0 ? _free.Pop() : new Pending();
        pending.Request = first ? 0 : request;
        pending.Started = started;
        pending.Answer.SetLength(0);
        _pending.Add(_nextStream, pending);
        var at = (int)_output.Length;
        _output.SetLength(at + call.Length);
        var copy = _output.GetBuffer().AsSpan(at, call.Length);
        call.CopyTo(copy);
        GrpcFrames.Stamp(copy, _nextStream);
        _nextStream += 2;
    }

    public void Flush()
    {
        if (_output.Length > 0)
        {
            _socket.Send(_output.GetBuffer().AsSpan(0, (int)_output.Length));
            _output.SetLength(0);
        }
    }

    public bool HasInput => _socket.Available > 0;

    /// <summary>Waits for bytes and tells each finished call: its start, and whether its answer is the expected one.</summary>
    public void Receive(Action<long, bool> done, Action<byte[]>? answer = null)
    {
        var read = _socket.Receive(_input.AsSpan(_buffered));
        if (read == 0)
        {
            throw new IOException("The server closed the connection.");
        }

        _buffered += read;
        _receivedSinceWindow += read;
        if (_receivedSinceWindow >= GrpcFrames.WindowRenewBytes)
        {
            _output.Write(GrpcFrames.Window(GrpcFrames.WindowRenewBytes));
            _receivedSinceWindow -= GrpcFrames.WindowRenewBytes;
        }

        var at = 0;
        while (_buffered - at >= GrpcFrames.HeaderBytes)
        {
            var length = (_input[at] << 16) | (_input[at + 1] << 8) | _input[at + 2];
            if (_buffered - at < GrpcFrames.HeaderBytes + length)
            {
                break;
            }

            Frame(_input.AsSpan(at, GrpcFrames.HeaderBytes + length), done, answer);
            at += GrpcFrames.HeaderBytes + length;
        }

        _input.AsSpan(at, _buffered - at).CopyTo(_input);
        _buffered -= at;
    }

    public void Dispose() => _socket.Dispose();

    private void Frame(ReadOnlySpan<byte> frame, Action<long, bool> done, Action<byte[]>? answer)
    {
        var (kind, flags) = (frame[3], frame[4]);
        var payload = frame[GrpcFrames.HeaderBytes..];
        var stream = BinaryPrimitives.ReadInt32BigEndian(frame[5..]);
        switch (kind)
        {
            case GrpcFrames.Settings or GrpcFrames.Ping when (flags & GrpcFrames.Acknowledge) == 0:
                _output.Write(GrpcFrames.Reply(kind, kind == GrpcFrames.Ping ? payload : []));
                break;
            case GrpcFrames.Data:
                _pending[stream].Answer.Write(payload);
                break;
            case GrpcFrames.GoAway:
                throw new IOException("The server sends the connection away.");
        }

        if (kind == GrpcFrames.ResetStream || (kind is GrpcFrames.Data or GrpcFrames.Headers && (flags & GrpcFrames.EndStream) != 0))
        {
            _pending.Remove(stream, out var pending);
            var got = pending!.Answer.GetBuffer().AsSpan(0, (int)pending.Answer.Length);
            var message = got.Length >= MessagePrefixBytes ? got[MessagePrefixBytes..] : [];
            answer?.Invoke(message.ToArray());
            var expected = _requests[pending.Request].Expected;
            if (expected is not null && !message.SequenceEqual(expected))
            {
                FirstWrong ??= $"{message.Length} bytes where {expected.Length} were due, alike in the first {message.CommonPrefixLength(expected)}";
            }

            done(pending.Started, kind != GrpcFrames.ResetStream && (expected is null || message.SequenceEqual(expected)));
            _free.Push(pending);
        }
    }

    private sealed class Pending
    {
        public int Request { get; set; }

        public long Started { get; set; }

        public MemoryStream Answer { get; } = new(4096);
    }
}
