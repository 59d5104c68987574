using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using FeatureStore.Scoring.Online;

namespace FeatureStore.Scoring.Receipts;

/// <summary>A receipt as one line of JSON. Numbers are the shortest text that reads back to the same bits; NaN and infinities are texts.</summary>
internal static class ReceiptJson
{
    private const int DepthMax = 8;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <returns>The line with its end.</returns>
    public static byte[] Line(Receipt receipt)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes, Options))
        {
            writer.WriteStartObject();
            writer.WriteString("request_id"u8, receipt.RequestId);
            writer.WriteString("time"u8, receipt.Time);
            writer.WriteString("model"u8, receipt.Model);
            writer.WriteString("version"u8, receipt.Version);
            writer.WriteString("sha256"u8, receipt.Sha256);
            writer.WriteString("feature_service"u8, receipt.FeatureService);
            writer.WriteStartArray("rows"u8);
            foreach (var row in receipt.Rows)
            {
                writer.WriteStartObject();
                writer.WriteString("key"u8, row.KeyHash);
                writer.WriteString("outcome"u8, ScoreJson.OutcomeName(row.Outcome));
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            ReceiptValues.Write(writer, receipt.Features);
            ReceiptValues.Write(writer, receipt.Outputs);
            writer.WriteEndObject();
        }

        bytes.Write("\n"u8);
        return bytes.WrittenSpan.ToArray();
    }

    /// <exception cref="ReceiptException">The line is damaged.</exception>
    public static Receipt Read(ReadOnlyMemory<byte> line, string place)
    {
        try
        {
            using var document = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = DepthMax });
            var root = document.RootElement;
            ReceiptRow[] rows = [.. root.GetProperty("rows").EnumerateArray().Select(r => new ReceiptRow(r.GetProperty("key").GetString()!, Outcome(r.GetProperty("outcome").GetString())))];
            var receipt = new Receipt(
                Text(root, "request_id"), root.GetProperty("time").GetDateTimeOffset(), Text(root, "model"), Text(root, "version"), Text(root, "sha256"), Text(root, "feature_service"),
                rows, ReceiptValues.ReadFeatures(root, rows.Length), ReceiptValues.ReadOutputs(root));
            return receipt;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException or OverflowException)
        {
            throw new ReceiptException($"{place} is damaged: {e.Message}", e);
        }
    }

    private static string Text(JsonElement root, string name) => root.GetProperty(name).GetString() ?? throw new FormatException($"'{name}' is null.");

    private static RowOutcome Outcome(string? name) => name switch
    {
        "SCORED" => RowOutcome.Scored,
        "REFUSED" => RowOutcome.Refused,
        "NO_SCORE" => RowOutcome.NoScore,
        _ => throw new FormatException("An outcome is none of SCORED, REFUSED and NO_SCORE."),
    };
}
