using System.Globalization;
using System.Text.Json;
using Feast.Serving;
using FeatureStore.Contract.Values;

namespace FeatureStore.Scoring.Online;

/// <summary>An answer as JSON: what holds for all rows, then a row per entity.</summary>
public static class ScoreJson
{
    public static void Write(Utf8JsonWriter writer, ScoredBatch batch)
    {
        writer.WriteStartObject();
        writer.WriteString("request_id"u8, batch.RequestId);
        WriteModel(writer, batch);
        writer.WriteString("time"u8, Time(batch.Time));
        writer.WriteStartArray("rows"u8);
        for (var row = 0; row < batch.Rows.Count; row++)
        {
            writer.WriteStartObject();
            WriteRow(writer, batch, row);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("warnings"u8);
        foreach (var warning in batch.Warnings)
        {
            writer.WriteStringValue(warning);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>One row with all that it needs to stand alone.</summary>
    public static void WriteLine(Utf8JsonWriter writer, ScoredBatch batch, int row)
    {
        writer.WriteStartObject();
        WriteRow(writer, batch, row);
        writer.WriteString("request_id"u8, batch.RequestId);
        WriteModel(writer, batch);
        writer.WriteEndObject();
    }

    /// <summary>The status as Feast's contract spells it.</summary>
    public static string StatusName(FieldStatus status) => status switch
    {
        FieldStatus.Present => "PRESENT",
        FieldStatus.NullValue => "NULL_VALUE",
        FieldStatus.NotFound => "NOT_FOUND",
        FieldStatus.OutsideMaxAge => "OUTSIDE_MAX_AGE",
        _ => "INVALID",
    };

    public static string OutcomeName(RowOutcome outcome) => outcome switch
    {
        RowOutcome.Scored => "SCORED",
        RowOutcome.Refused => "REFUSED",
        _ => "NO_SCORE",
    };

    private static void WriteModel(Utf8JsonWriter writer, ScoredBatch batch)
    {
        writer.WriteStartObject("model"u8);
        writer.WriteString("name"u8, batch.Model.Name);
        writer.WriteString("version"u8, batch.Model.Version);
        writer.WriteString("sha256"u8, batch.Model.Model.Sha256);
        writer.WriteString("feature_service"u8, batch.Model.FeatureService);
        writer.WriteEndObject();
    }

    private static void WriteRow(Utf8JsonWriter writer, ScoredBatch batch, int row)
    {
        var scored = batch.Rows[row];
        writer.WriteStartObject("entities"u8);
        foreach (var entity in batch.Entities)
        {
            writer.WritePropertyName(entity.Name);
            ValueJson.Write(writer, entity.Values[row]);
        }

        writer.WriteEndObject();
        writer.WriteString("outcome"u8, OutcomeName(scored.Outcome));
        WriteScores(writer, batch, scored);
        writer.WriteStartArray("missing"u8);
        foreach (var feature in scored.Missing)
        {
            writer.WriteStringValue(feature);
        }

        writer.WriteEndArray();
        WriteTime(writer, "oldest_event_timestamp", scored.OldestEventMicros);
        if (batch.AgeMillis(row) is { } age)
        {
            writer.WriteNumber("oldest_age_ms"u8, age);
        }
        else
        {
            writer.WriteNull("oldest_age_ms"u8);
        }

        WriteFeatures(writer, batch, row);
    }

    private static void WriteScores(Utf8JsonWriter writer, ScoredBatch batch, ScoredRow scored)
    {
        writer.WriteStartObject("scores"u8);
        foreach (var output in batch.Outputs)
        {
            writer.WritePropertyName(output.Name);
            var value = ScoreValues.Of(output, scored.Batch);
            if (output.Classes is { } classes && scored.Batch >= 0 && value.ValCase == Feast.Types.Value.ValOneofCase.FloatListVal)
            {
                writer.WriteStartObject();
                for (var c = 0; c < classes.Count; c++)
                {
                    writer.WritePropertyName(classes[c]);
                    ValueJson.Write(writer, new Feast.Types.Value { FloatVal = value.FloatListVal.Val[c] });
                }

                writer.WriteEndObject();
            }
            else if (value.ValCase == Feast.Types.Value.ValOneofCase.FloatVal && float.IsFinite(value.FloatVal))
            {
                // The shortest text that reads back to the same float; widened to a double it would be longer and no truer.
                writer.WriteNumberValue(value.FloatVal);
            }
            else
            {
                ValueJson.Write(writer, value);
            }
        }

        writer.WriteEndObject();
    }

    private static void WriteFeatures(Utf8JsonWriter writer, ScoredBatch batch, int row)
    {
        writer.WriteStartObject("features"u8);
        for (var f = 0; f < batch.Features.Length; f++)
        {
            ref readonly var feature = ref batch.Features[f];
            writer.WriteStartObject(batch.FeatureNames[f]);
            writer.WritePropertyName("value"u8);
            ValueJson.Write(writer, feature.Value(row));
            writer.WriteString("status"u8, StatusName(feature.Statuses[row]));
            WriteTime(writer, "event_timestamp", feature.EventTimeMicros(row) is not 0 and var micros ? micros : null);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteTime(Utf8JsonWriter writer, string name, long? micros)
    {
        if (micros is { } time)
        {
            writer.WriteString(name, Time(DateTimeOffset.UnixEpoch.AddTicks(time * TimeSpan.TicksPerMicrosecond)));
        }
        else
        {
            writer.WriteNull(name);
        }
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);
}
