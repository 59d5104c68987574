using System.Text.Json;

namespace FeatureStore.Ingest.Debezium;

/// <summary>
/// The marks that <c>ExtractNewRecordState</c> adds to a flattened row by <c>add.fields</c> or, as headers of the message, by <c>add.headers</c>:
/// the field's name behind two underscores, with <c>source.</c> as <c>source_</c>.
/// </summary>
internal static class FlatRow
{
    private const string Prefix = "__";
    private const string SourcePrefix = "source_";
    private const long MicrosPerMillisecond = 1_000;
    private const long NanosPerMicrosecond = 1_000;

    /// <summary>Takes a mark among the members of a row; false if it is none, and then nothing was read.</summary>
    public static bool TryMark(ref Utf8JsonReader reader, string name, EnvelopeParts parts)
    {
        if (!name.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                Mark(parts, name, reader.GetString(), null);
                return true;
            case JsonTokenType.Number when reader.TryGetInt64(out var number):
                Mark(parts, name, null, number);
                return true;
            default:
                reader.Skip();
                return true;
        }
    }

    /// <summary>Takes the marks among a message's headers; what the row itself says goes first.</summary>
    public static void Headers(EnvelopeParts parts, IReadOnlyDictionary<string, string> headers)
    {
        var (op, isDeleted, source) = (parts.Op, parts.IsDeleted, parts.Source);
        foreach (var (name, text) in headers)
        {
            if (name.StartsWith(Prefix, StringComparison.Ordinal))
            {
                Mark(parts, name, text, long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number : null);
            }
        }

        parts.Op = op ?? parts.Op;
        parts.IsDeleted = isDeleted ?? parts.IsDeleted;
        parts.Source = parts.Source with
        {
            Lsn = source.Lsn ?? parts.Source.Lsn,
            Name = source.Name ?? parts.Source.Name,
            PreviousCommitLsn = source.PreviousCommitLsn ?? parts.Source.PreviousCommitLsn,
            CommitMicros = source.CommitMicros ?? parts.Source.CommitMicros,
        };
    }

    private static void Mark(EnvelopeParts parts, string name, string? text, long? number)
    {
        var field = name[Prefix.Length..];
        field = field.StartsWith(SourcePrefix, StringComparison.Ordinal) ? field[SourcePrefix.Length..] : field;
        switch (field)
        {
            case "op":
                parts.Op = text;
                break;
            case "deleted":
                parts.IsDeleted = text == "true";
                break;
            case "lsn":
                parts.Source = parts.Source with { Lsn = number };
                break;
            case "name":
                parts.Source = parts.Source with { Name = text };
                break;
            case "sequence" when text is not null:
                parts.Source = parts.Source with { PreviousCommitLsn = EnvelopeSource.First(text) };
                break;
            case "ts_us":
                parts.Source = parts.Source with { CommitMicros = number };
                break;
            case "ts_ms":
                parts.Source = parts.Source with { CommitMicros = parts.Source.CommitMicros ?? (number is { } ms ? EnvelopeSource.Micros(ms, MicrosPerMillisecond) : null) };
                break;
            case "ts_ns":
                parts.Source = parts.Source with { CommitMicros = parts.Source.CommitMicros ?? number / NanosPerMicrosecond };
                break;
        }
    }
}
