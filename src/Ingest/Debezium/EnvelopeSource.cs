using System.Globalization;
using System.Text.Json;

namespace FeatureStore.Ingest.Debezium;

/// <summary>The block <c>source</c> of an event: where in the source's stream it stands, and when it was committed.</summary>
internal record struct EnvelopeSource
{
    private const long MicrosPerMillisecond = 1_000;

    /// <summary>The events of our own log, whose times are microseconds.</summary>
    private const string OwnConnector = "fstore";

    public string? Name { get; set; }

    /// <summary>True for events of our own log.</summary>
    public bool IsOwn { get; set; }

    /// <summary>Null for rows of an incremental snapshot.</summary>
    public long? Lsn { get; set; }

    /// <summary>End of the last commit streamed before the event, or else the last position streamed; from <c>sequence</c>.</summary>
    public long? PreviousCommitLsn { get; set; }

    /// <summary>Microseconds since the epoch.</summary>
    public long? CommitMicros { get; set; }

    public static EnvelopeSource Read(ref Utf8JsonReader reader, RepeatedText names)
    {
        var source = default(EnvelopeSource);
        long? millis = null;
        for (EnvelopeReader.Next(ref reader); reader.TokenType != JsonTokenType.EndObject; EnvelopeReader.Next(ref reader))
        {
            var member = Member(in reader);
            EnvelopeReader.Next(ref reader);
            switch (member, reader.TokenType)
            {
                case ("name", JsonTokenType.String):
                    source.Name = names.Text(in reader);
                    break;
                case ("connector", JsonTokenType.String):
                    source.IsOwn = reader.ValueTextEquals(OwnConnector);
                    break;
                case ("lsn", JsonTokenType.Number):
                    source.Lsn = reader.GetInt64();
                    break;
                case ("sequence", JsonTokenType.String):
                    source.PreviousCommitLsn = First(reader.GetString()!);
                    break;
                case ("ts_us", JsonTokenType.Number):
                    source.CommitMicros = reader.GetInt64();
                    break;
                case ("ts_ms", JsonTokenType.Number):
                    millis = reader.GetInt64();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        source.CommitMicros ??= millis is { } ms ? Micros(ms, MicrosPerMillisecond) : null;
        return source;
    }

    /// <summary>A number of some unit as microseconds; what does not fit is no time, and the far end stands for it.</summary>
    internal static long Micros(long number, long microsPerUnit) =>
        (long)Int128.Clamp((Int128)number * microsPerUnit, long.MinValue, long.MaxValue);

    // The names that matter, without making a text of each of the others.
    private static string? Member(in Utf8JsonReader reader) => reader.ValueSpan.Length switch
    {
        3 when reader.ValueTextEquals("lsn"u8) => "lsn",
        4 when reader.ValueTextEquals("name"u8) => "name",
        5 when reader.ValueTextEquals("ts_us"u8) => "ts_us",
        5 when reader.ValueTextEquals("ts_ms"u8) => "ts_ms",
        8 when reader.ValueTextEquals("sequence"u8) => "sequence",
        9 when reader.ValueTextEquals("connector"u8) => "connector",
        _ => reader.ValueIsEscaped ? reader.GetString() : null,
    };

    // The text is a JSON list of decimal texts, the first of which is null until a commit was streamed: [null,"123"].
    internal static long? First(ReadOnlySpan<char> sequence)
    {
        var comma = sequence.IndexOf(',');
        sequence = comma < 0 ? sequence : sequence[..comma];
        var start = sequence.IndexOfAnyInRange('0', '9');
        if (start < 0)
        {
            return null;
        }

        var digits = sequence[start..];
        var end = digits.IndexOfAnyExceptInRange('0', '9');
        return long.TryParse(end < 0 ? digits : digits[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var lsn) ? lsn : null;
    }
}

/// <summary>A text that comes again and again, made once.</summary>
internal sealed class RepeatedText
{
    private string _last = string.Empty;

    public string Text(in Utf8JsonReader reader) => reader.ValueTextEquals(_last) ? _last : _last = reader.GetString()!;
}
