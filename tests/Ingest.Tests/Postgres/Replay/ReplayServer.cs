using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using FeatureStore.Ingest.Tests.Debezium;

namespace FeatureStore.Ingest.Tests.Postgres.Replay;

/// <summary>
/// A server that speaks as much of PostgreSQL's protocol 3.0 as a replication session needs, and whose stream is a recorded one, byte for byte. It
/// answers one session and then keeps silent until the client goes.
/// </summary>
internal sealed class ReplayServer : IAsyncDisposable
{
    private const int XLogHeader = 25;
    private const int StartupHeader = 8;
    private const int PlainStartup = 196_608; // Version 3.0; other numbers ask for encryption.
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _session;
    private readonly CancellationTokenSource _stop = new();

    private ReplayServer(IReadOnlyList<byte[]> messages)
    {
        Messages = messages.Count;
        Ends = messages.Where(m => m[XLogHeader] == 'C').Select(m => BinaryPrimitives.ReadInt64BigEndian(m.AsSpan(XLogHeader + 10))).ToHashSet();
        _listener.Start();
        _session = Task.Run(() => ServeAsync(messages, _stop.Token));
    }

    /// <summary>XLogData messages of the stream.</summary>
    public int Messages { get; }

    /// <summary>Ends of the commits that it holds.</summary>
    public IReadOnlySet<long> Ends { get; }

    public string ConnectionString => $"Host=127.0.0.1;Port={((IPEndPoint)_listener.LocalEndpoint).Port};Username=replay;Database=bank;SSL Mode=Disable;Pooling=false;Server Compatibility Mode=NoTypeLoading";

    /// <summary>The sessions of a recording as one, in order.</summary>
    /// <param name="recording">A file of <c>Golden/debezium</c>.</param>
    public static ReplayServer Of(string recording) => new([.. BankDatabase.GoldenText($"{recording}.jsonl").Split('\n', StringSplitOptions.RemoveEmptyEntries).SelectMany(Stream)]);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        try
        {
            await _session;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
        {
            // The client is gone.
        }

        _stop.Dispose();
    }

    private static IEnumerable<byte[]> Stream(string line)
    {
        using var session = JsonDocument.Parse(line);
        foreach (var message in session.RootElement.GetProperty("stream").EnumerateArray().Where(m => m.GetProperty("kind").GetString() == "w"))
        {
            var payload = Convert.FromHexString(message.GetProperty("hex").GetString()!);
            var data = new byte[XLogHeader + payload.Length];
            data[0] = (byte)'w';
            BinaryPrimitives.WriteUInt64BigEndian(data.AsSpan(1), Lsn(message.GetProperty("start").GetString()!));
            BinaryPrimitives.WriteUInt64BigEndian(data.AsSpan(9), Lsn(message.GetProperty("end").GetString()!));
            BinaryPrimitives.WriteInt64BigEndian(data.AsSpan(17), message.GetProperty("sendtime").GetInt64());
            payload.CopyTo(data.AsSpan(XLogHeader));
            yield return data;
        }
    }

    private static ulong Lsn(string text)
    {
        var parts = text.Split('/');
        return (Convert.ToUInt64(parts[0], 16) << 32) | Convert.ToUInt64(parts[1], 16);
    }

    private async Task ServeAsync(IReadOnlyList<byte[]> messages, CancellationToken cancellationToken)
    {
        using var client = await _listener.AcceptTcpClientAsync(cancellationToken);
        var stream = client.GetStream();
        await StartUpAsync(stream, cancellationToken);
        while (true)
        {
            var (type, body) = await ReadAsync(stream, cancellationToken);
            if (type != 'Q')
            {
                continue;
            }

            var query = Encoding.UTF8.GetString(body).TrimEnd('\0');
            if (query.StartsWith("START_REPLICATION", StringComparison.Ordinal))
            {
                await WriteAsync(stream, 'W', [0, 0, 0], cancellationToken);
                foreach (var message in messages)
                {
                    await WriteAsync(stream, 'd', message, cancellationToken);
                }
            }
            else
            {
                throw new InvalidOperationException($"No answer was recorded for {query}.");
            }
        }
    }

    private static async Task StartUpAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var head = new byte[StartupHeader];
        while (true)
        {
            await stream.ReadExactlyAsync(head, cancellationToken);
            await stream.ReadExactlyAsync(new byte[BinaryPrimitives.ReadInt32BigEndian(head) - StartupHeader], cancellationToken);
            if (BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4)) == PlainStartup)
            {
                break;
            }

            await stream.WriteAsync("N"u8.ToArray(), cancellationToken);
        }

        await WriteAsync(stream, 'R', new byte[4], cancellationToken);
        foreach (var setting in new[] { "server_version\0" + "15.18\0", "server_encoding\0UTF8\0", "client_encoding\0UTF8\0", "integer_datetimes\0on\0", "standard_conforming_strings\0on\0", "TimeZone\0UTC\0" })
        {
            await WriteAsync(stream, 'S', Encoding.UTF8.GetBytes(setting), cancellationToken);
        }

        await WriteAsync(stream, 'K', new byte[8], cancellationToken);
        await WriteAsync(stream, 'Z', "I"u8.ToArray(), cancellationToken);
    }

    private static async Task<(char Type, byte[] Body)> ReadAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var head = new byte[5];
        await stream.ReadExactlyAsync(head, cancellationToken);
        var body = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1)) - 4];
        await stream.ReadExactlyAsync(body, cancellationToken);
        return ((char)head[0], body);
    }

    private static async Task WriteAsync(NetworkStream stream, char type, byte[] body, CancellationToken cancellationToken)
    {
        var message = new byte[5 + body.Length];
        message[0] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), 4 + body.Length);
        body.CopyTo(message.AsSpan(5));
        await stream.WriteAsync(message, cancellationToken);
    }
}
