using System.Text.Json;
using Feast.Serving;
using FeatureStore.Contract.Values;
using FeatureStore.Serving.Retrieval;

namespace FeatureStore.Serving.Http;

/// <summary>An answer as Feast's HTTP server prints it: <c>{"results":[{"values","statuses","event_timestamps"}…],"metadata":{…}}</c>.</summary>
internal static class OnlineFeaturesJson
{
    // "-9999-12-31T23:59:59.123456Z" and some.
    private const int TimeBytesMax = 40;

    public static void Write(Utf8JsonWriter writer, OnlineFeatures answer, bool withVersions)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("results"u8);
        foreach (var entity in answer.Entities)
        {
            WriteEntity(writer, entity);
        }

        foreach (ref readonly var feature in answer.Features.AsSpan())
        {
            WriteFeature(writer, in feature, answer.Rows);
        }

        writer.WriteEndArray();
        WriteMetadata(writer, answer, withVersions);
        writer.WriteEndObject();
    }

    private static void WriteEntity(Utf8JsonWriter writer, EntityColumn entity)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("values"u8);
        for (var row = 0; row < entity.Values.Count; row++)
        {
            ValueJson.Write(writer, entity.Values[row]);
        }

        writer.WriteEndArray();
        writer.WriteStartArray("statuses"u8);
        for (var row = 0; row < entity.Values.Count; row++)
        {
            writer.WriteStringValue(StatusText(FieldStatus.Present));
        }

        writer.WriteEndArray();
        writer.WriteStartArray("event_timestamps"u8);
        for (var row = 0; row < entity.Values.Count; row++)
        {
            WriteTime(writer, 0);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteFeature(Utf8JsonWriter writer, in FeatureColumn feature, int rows)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("values"u8);
        for (var row = 0; row < rows; row++)
        {
            ValueJson.Write(writer, feature.Value(row));
        }

        writer.WriteEndArray();
        writer.WriteStartArray("statuses"u8);
        for (var row = 0; row < rows; row++)
        {
            writer.WriteStringValue(StatusText(feature.Statuses[row]));
        }

        writer.WriteEndArray();
        writer.WriteStartArray("event_timestamps"u8);
        for (var row = 0; row < rows; row++)
        {
            WriteTime(writer, feature.EventTimeMicros(row));
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteMetadata(Utf8JsonWriter writer, OnlineFeatures answer, bool withVersions)
    {
        writer.WriteStartObject("metadata"u8);
        writer.WriteStartArray("feature_names"u8);
        foreach (var entity in answer.Entities)
        {
            writer.WriteStringValue(entity.Name);
        }

        foreach (ref readonly var feature in answer.Features.AsSpan())
        {
            writer.WriteStringValue(feature.Name);
        }

        writer.WriteEndArray();
        if (withVersions)
        {
            writer.WriteStartArray("feature_view_metadata"u8);
            foreach (var view in answer.Plan.Views)
            {
                writer.WriteStartObject();
                writer.WriteString("name"u8, view.Name);
                if (view.VersionNumber != 0)
                {
                    writer.WriteNumber("version"u8, view.VersionNumber);
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static ReadOnlySpan<byte> StatusText(FieldStatus status) => status switch
    {
        FieldStatus.Present => "PRESENT"u8,
        FieldStatus.NullValue => "NULL_VALUE"u8,
        FieldStatus.NotFound => "NOT_FOUND"u8,
        FieldStatus.OutsideMaxAge => "OUTSIDE_MAX_AGE"u8,
        _ => "INVALID"u8,
    };

    // RFC 3339 with no, three or six fraction digits, as protobuf prints a Timestamp.
    private static void WriteTime(Utf8JsonWriter writer, long micros)
    {
        var ticks = (Int128)micros * TimeSpan.TicksPerMicrosecond + DateTime.UnixEpoch.Ticks;
        if (ticks < DateTime.MinValue.Ticks || ticks > DateTime.MaxValue.Ticks)
        {
            throw new RetrievalException(RetrievalFault.Corrupt, $"A stored event time ({micros} µs) lies outside the years 1 to 9999; materialize the row again.");
        }

        Span<byte> text = stackalloc byte[TimeBytesMax];
        var format = micros % 1_000_000 == 0 ? "yyyy-MM-dd'T'HH:mm:ss'Z'"
            : micros % 1_000 == 0 ? "yyyy-MM-dd'T'HH:mm:ss.fff'Z'"
            : "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";
        new DateTime((long)ticks, DateTimeKind.Utc).TryFormat(text, out var size, format, System.Globalization.CultureInfo.InvariantCulture);
        writer.WriteStringValue(text[..size]);
    }
}
