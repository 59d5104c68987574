using System.Globalization;
using System.Text.Json;

namespace FeatureStore.Ingest.Debezium;

/// <summary>The block <c>source</c> of an event: where in the source's stream it stands, and when it was committed.</summary>
/// <param name="Lsn">Null for rows of an incremental snapshot.</param>
/// <param name="PreviousCommitLsn">End of the last commit streamed before the event, or else the last position streamed; from <c>sequence</c>.</param>
internal readonly record struct EnvelopeSource(string? Name, string? Connector, long? Lsn, long? PreviousCommitLsn, long? CommitMicros)
{
    private const long MicrosPerMillisecond = 1_000;

    /// <summary>The events of our own log, whose times are microseconds.</summary>
    public const string OwnConnector = "fstore";

    public static EnvelopeSource Read(ref Utf8JsonReader reader)
    {
        var source = default(EnvelopeSource);
        long? millis = null;
        for (EnvelopeReader.Next(ref reader); reader.TokenType != JsonTokenType.EndObject; EnvelopeReader.Next(ref reader))
        {
            var name = reader.GetString();
            EnvelopeReader.Next(ref reader);
            switch (name, reader.TokenType)
            {
                case ("name", JsonTokenType.String):
                    source = source with { Name = reader.GetString() };
                    break;
                case ("connector", JsonTokenType.String):
                    source = source with { Connector = reader.GetString() };
                    break;
                case ("lsn", JsonTokenType.Number):
                    source = source with { Lsn = reader.GetInt64() };
                    break;
                case ("sequence", JsonTokenType.String):
                    source = source with { PreviousCommitLsn = First(reader.GetString()!) };
                    break;
                case ("ts_us", JsonTokenType.Number):
                    source = source with { CommitMicros = reader.GetInt64() };
                    break;
                case ("ts_ms", JsonTokenType.Number):
                    millis = reader.GetInt64();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return source with { CommitMicros = source.CommitMicros ?? millis * MicrosPerMillisecond };
    }

    // The text is a JSON list of decimal texts, the first of which is null until a commit was streamed: [null,"123"].
    private static long? First(string sequence)
    {
        foreach (var part in sequence.Split(['[', ']', ',', '"', ' '], StringSplitOptions.RemoveEmptyEntries))
        {
            if (long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var lsn))
            {
                return lsn;
            }
        }

        return null;
    }
}
