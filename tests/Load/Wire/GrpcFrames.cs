using System.Buffers.Binary;
using System.Text;

namespace FeatureStore.Load.Wire;

/// <summary>
/// The frames of unary gRPC calls on HTTP/2 (RFC 9113, RFC 7541), as few as a load generator needs: a client library
/// would cost the generator's core more than the server spends.
/// </summary>
internal static class GrpcFrames
{
    public const int HeaderBytes = 9;
    public const byte Data = 0;
    public const byte Headers = 1;
    public const byte ResetStream = 3;
    public const byte Settings = 4;
    public const byte Ping = 6;
    public const byte GoAway = 7;
    public const byte WindowUpdate = 8;
    public const byte EndStream = 1;
    public const byte Acknowledge = 1;

    private const byte EndHeaders = 4;
    private const int MessagePrefixBytes = 5;
    private const int WindowBytes = 1 << 30;
    private const int InitialWindowSize = 4;

    // POST and http from the static table; path, authority, content-type and te as the first call put them into the dynamic one.
    private static ReadOnlySpan<byte> KnownHeaders => [0x83, 0x86, 0xc1, 0xc0, 0xbf, 0xbe];

    /// <summary>The client's preface: settings and windows so wide that answers never wait for an update.</summary>
    public static byte[] Preface()
    {
        var bytes = new MemoryStream();
        bytes.Write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        var setting = new byte[6];
        BinaryPrimitives.WriteUInt16BigEndian(setting, InitialWindowSize);
        BinaryPrimitives.WriteInt32BigEndian(setting.AsSpan(2), WindowBytes);
        Write(bytes, Settings, 0, 0, setting);
        bytes.Write(Window(WindowBytes));
        return bytes.ToArray();
    }

    /// <summary>Widens the connection's window; in all it must stay below 2 GiB.</summary>
    public static byte[] Window(int widenBytes)
    {
        var bytes = new MemoryStream();
        var size = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(size, widenBytes);
        Write(bytes, WindowUpdate, 0, 0, size);
        return bytes.ToArray();
    }

    /// <summary>After how many bytes received the window is widened again, by so many.</summary>
    public const int WindowRenewBytes = WindowBytes / 2;

    public static byte[] Reply(byte kind, ReadOnlySpan<byte> payload)
    {
        var bytes = new MemoryStream();
        Write(bytes, kind, Acknowledge, 0, payload);
        return bytes.ToArray();
    }

    /// <summary>A whole call without its stream number, which stands at <see cref="Stamp"/>'s places.</summary>
    /// <param name="first">Whether it is the connection's first call, which teaches the server the headers.</param>
    public static byte[] Call(string path, string authority, ReadOnlySpan<byte> message, bool first)
    {
        var bytes = new MemoryStream();
        Write(bytes, Headers, EndHeaders, 0, first ? FirstHeaders(path, authority) : KnownHeaders);
        var data = new byte[MessagePrefixBytes + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(data.AsSpan(1), message.Length);
        message.CopyTo(data.AsSpan(MessagePrefixBytes));
        Write(bytes, Data, EndStream, 0, data);
        return bytes.ToArray();
    }

    /// <summary>Puts a stream number into a copy of <see cref="Call"/>.</summary>
    public static void Stamp(Span<byte> call, int stream)
    {
        var headers = (call[0] << 16) | (call[1] << 8) | call[2];
        BinaryPrimitives.WriteInt32BigEndian(call[5..], stream);
        BinaryPrimitives.WriteInt32BigEndian(call[(HeaderBytes + headers + 5)..], stream);
    }

    private static byte[] FirstHeaders(string path, string authority)
    {
        var bytes = new MemoryStream();
        bytes.Write([0x83, 0x86]);
        Literal(0x44, null, path);
        Literal(0x41, null, authority);
        Literal(0x5f, null, "application/grpc");
        Literal(0x40, "te", "trailers");
        return bytes.ToArray();

        void Literal(byte form, string? name, string value)
        {
            bytes.WriteByte(form);
            foreach (var text in new[] { name, value }.OfType<string>())
            {
                // Below 127 bytes the length is one byte; no text here is longer.
                bytes.WriteByte((byte)text.Length);
                bytes.Write(Encoding.ASCII.GetBytes(text));
            }
        }
    }

    private static void Write(MemoryStream bytes, byte kind, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        Span<byte> header = [(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, kind, flags, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(header[5..], stream);
        bytes.Write(header);
        bytes.Write(payload);
    }
}
