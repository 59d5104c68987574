using System.Text.Json;
using Feast.Types;
using FeatureStore.Contract.Values;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving.Retrieval;
using FeatureStore.Serving.Writing;

namespace FeatureStore.Cli.Composition;

/// <summary>Appends offline pushes to the embedded change log, as change events that <c>fstore ingest</c> lands. Durable when the call returns.</summary>
internal sealed class ChangeLogPush(Repo repo, TimeProvider time) : IOfflinePush
{
    private const long MicrosPerSecond = 1_000_000;

    /// <inheritdoc/>
    public Task AppendAsync(string pushSource, IReadOnlyList<FeatureViewModel> views, PushedColumns columns, CancellationToken cancellationToken)
    {
        var topics = Topics(pushSource, views);
        var tables = topics.Select(t => (Topic: t.ToChangeTopic(repo.Config.Project), Rows: Rows(t, columns))).ToArray();
        foreach (var (topic, _) in tables)
        {
            EnsureLands(topic, cancellationToken);
        }

        using var log = EmbeddedChangeLog.Open(repo.Config.LogPath, time);
        foreach (var (topic, rows) in tables)
        {
            var committed = Instant.Micros(time.GetUtcNow());
            log.Append(log.Topic(topic.Table.Topic), rows.Count, (i, lsn) => new LogMessage(
                rows[i].Key,
                EnvelopeWriter.Write(topic.Table.Name, topic.Table.Columns, new ChangeRow("c", log.ClusterId, lsn, 0, null, committed, [], rows[i].Values))));
        }

        return Task.CompletedTask;
    }

    // A row that could never land would stop the ingest of all that come after it.
    private void EnsureLands(ChangeTopic topic, CancellationToken cancellationToken)
    {
        try
        {
            ChangeTable.Open(repo.Lake, topic.LakePath, topic.Table.Columns).EnsureTakesRows(cancellationToken);
        }
        catch (DeltaException e)
        {
            Console.Error.WriteLine($"fstore: {e.Message}");
            throw new RetrievalException(RetrievalFault.Invalid, $"The table {topic.LakePath} takes no pushed rows; the server's log says why. Give the push source a batch source of its own.");
        }
    }

    private static IReadOnlyList<PushTopic> Topics(string pushSource, IReadOnlyList<FeatureViewModel> views)
    {
        var topics = PushTopic.Of(views);
        var left = views.Except(topics.SelectMany(t => t.Views)).Select(v => v.Name).ToArray();
        return left.Length == 0
            ? topics
            : throw new RetrievalException(
                RetrievalFault.Invalid,
                $"Push source '{pushSource}' feeds {string.Join(", ", left)}, whose rows are computed, lie outside the lake, or have a type that its tables do not hold; push it online only.");
    }

    private static List<(byte[] Key, object?[] Values)> Rows(PushTopic topic, PushedColumns columns)
    {
        var source = topic.Views[0].Source;
        var times = RowTimes.Event(columns, source, typedSeconds: true);
        var created = topic.CreatedColumn is null ? null : RowTimes.Created(columns, source, typedSeconds: true)
            ?? throw new RetrievalException(RetrievalFault.Invalid, $"The column '{topic.CreatedColumn}' with the created time is missing; send it, as the source declares it.");
        var fields = topic.Fields.Select<PushedField, object?[]>(f =>
            f.Column.Name == topic.TimeColumn ? [.. times]
            : f.Column.Name == topic.CreatedColumn ? [.. created!]
            : [.. columns.Typed(f.Field.Name, f.Field.Type).Select(Plain)]).ToArray();
        var rows = new List<(byte[], object?[])>(columns.Rows);
        for (var row = 0; row < columns.Rows; row++)
        {
            var values = new object?[fields.Length];
            for (var f = 0; f < values.Length; f++)
            {
                values[f] = fields[f][row];
                if (values[f] is null && topic.Fields[f].IsKey)
                {
                    throw new RetrievalException(RetrievalFault.Invalid, $"Join key '{topic.Fields[f].Field.Name}', row {row}: a key is never null.");
                }
            }

            rows.Add((Key(topic, values), values));
        }

        return rows;
    }

    private static byte[] Key(PushTopic topic, object?[] values)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            for (var f = 0; f < values.Length; f++)
            {
                if (topic.Fields[f].IsKey || topic.Fields[f].Column.Name == topic.TimeColumn)
                {
                    json.WriteString(topic.Fields[f].Column.Name, Convert.ToString(values[f], System.Globalization.CultureInfo.InvariantCulture));
                }
            }

            json.WriteEndObject();
        }

        return bytes.ToArray();
    }

    private static object? Plain(Value value) => value.ValCase switch
    {
        Value.ValOneofCase.StringVal => value.StringVal,
        Value.ValOneofCase.Int64Val => value.Int64Val,
        Value.ValOneofCase.Int32Val => value.Int32Val,
        Value.ValOneofCase.DoubleVal => value.DoubleVal,
        Value.ValOneofCase.FloatVal => (double)value.FloatVal,
        Value.ValOneofCase.BoolVal => value.BoolVal,
        Value.ValOneofCase.UnixTimestampVal when value.UnixTimestampVal != FeatureValues.NullTimestamp => value.UnixTimestampVal * MicrosPerSecond,
        _ => null,
    };
}
