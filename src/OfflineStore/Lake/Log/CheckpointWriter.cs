using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake.Log;

/// <summary>Writes a version's whole state as one classic Parquet checkpoint, and after it the hint that names it.</summary>
internal sealed class CheckpointWriter(LakePlace log)
{
    private const string Hint = "_last_checkpoint";

    // Column names and types as the protocol gives them; from_json leaves null what an action lacks.
    private const string Schema = """
        {"txn":{"appId":"VARCHAR","version":"BIGINT","lastUpdated":"BIGINT"},
         "add":{"path":"VARCHAR","partitionValues":"MAP(VARCHAR,VARCHAR)","size":"BIGINT","modificationTime":"BIGINT","dataChange":"BOOLEAN","stats":"VARCHAR","tags":"MAP(VARCHAR,VARCHAR)"},
         "remove":{"path":"VARCHAR","deletionTimestamp":"BIGINT","dataChange":"BOOLEAN"},
         "metaData":{"id":"VARCHAR","name":"VARCHAR","description":"VARCHAR","format":{"provider":"VARCHAR","options":"MAP(VARCHAR,VARCHAR)"},"schemaString":"VARCHAR","partitionColumns":["VARCHAR"],"configuration":"MAP(VARCHAR,VARCHAR)","createdTime":"BIGINT"},
         "protocol":{"minReaderVersion":"INTEGER","minWriterVersion":"INTEGER","readerFeatures":["VARCHAR"],"writerFeatures":["VARCHAR"]}}
        """;

    /// <summary>Writes the checkpoint of a snapshot; one that is there already is left as it is.</summary>
    /// <param name="tombstonesFromMillis">Files taken out before this are forgotten, milliseconds since the epoch.</param>
    /// <exception cref="IOException">The disk refused. The log is as good as before.</exception>
    public void Write(DeltaSnapshot snapshot, long tombstonesFromMillis, CancellationToken cancellationToken)
    {
        var target = LogFiles.CheckpointName(snapshot.Version);
        var draft = log.Draft($".{Guid.NewGuid():N}.tmp");
        try
        {
            var (rows, adds) = Fill(draft, snapshot, tombstonesFromMillis, cancellationToken);
            var there = log.Stat(target);
            var bytes = there?.Bytes ?? new FileInfo(draft).Length;
            if (there is null)
            {
                log.Replace(draft, target);
            }

            LakeSteps.Log.CheckpointDone();
            WriteHint(snapshot.Version, rows, adds, bytes);
        }
        finally
        {
            File.Delete(draft);
        }
    }

    private static (long Rows, long Adds) Fill(string path, DeltaSnapshot snapshot, long tombstonesFromMillis, CancellationToken cancellationToken)
    {
        using var database = LakeDatabase.Open();
        using var connection = LakeDatabase.Connect(database, cancellationToken);
        connection.Execute("CREATE TEMP TABLE action (line VARCHAR)", cancellationToken);
        long rows = 0;
        using (var appender = connection.Append("action"))
        {
            foreach (var line in Lines(snapshot, tombstonesFromMillis))
            {
                appender.AppendText(line);
                appender.EndRow();
                rows++;
            }

            appender.Close();
        }

        connection.Execute(
            $"COPY (SELECT unnest(from_json(line, {LakeSql.Text(Schema)})) FROM action) TO {LakeSql.Text(path)} (FORMAT PARQUET, COMPRESSION SNAPPY)", cancellationToken);
        return (rows, snapshot.Files.Count);
    }

    private static IEnumerable<string> Lines(DeltaSnapshot snapshot, long tombstonesFromMillis)
    {
        yield return DeltaCommit.Text("protocol", DeltaActions.Protocol(snapshot.Protocol));
        yield return DeltaCommit.Text("metaData", DeltaActions.Metadata(snapshot.Metadata));
        foreach (var (appId, version) in snapshot.Txn)
        {
            yield return DeltaCommit.Text("txn", DeltaActions.Txn(appId, version, snapshot.TxnMillis.TryGetValue(appId, out var millis) ? millis : null));
        }

        foreach (var file in snapshot.Files.Values)
        {
            yield return DeltaCommit.Text("add", DeltaActions.Add(file, isDataChange: false));
        }

        // One without a time might be young.
        foreach (var tombstone in snapshot.Tombstones.Values.Where(t => t.DeletedMillis is not { } deleted || deleted >= tombstonesFromMillis))
        {
            yield return DeltaCommit.Text("remove", DeltaActions.Remove(tombstone));
        }
    }

    // Only ever written after the checkpoint that it names, and never back to an older one: some readers trust it blindly.
    private void WriteHint(long version, long rows, long adds, long bytes)
    {
        if (NamedVersion(log) is { } named && named >= version && LogFiles.List(log).Checkpoints.ContainsKey(named))
        {
            return;
        }

        var hint = new JsonObject { ["version"] = version, ["size"] = rows, ["sizeInBytes"] = bytes, ["numOfAddFiles"] = adds };
        log.Put(Hint, Encoding.UTF8.GetBytes(hint.ToJsonString()));
    }

    /// <summary>The version that the hint of a log names, or null where there is none or it is no hint.</summary>
    public static long? NamedVersion(LakePlace log)
    {
        try
        {
            return JsonNode.Parse(log.Read(Hint))?["version"]?.GetValue<long>();
        }
        catch (Exception e) when (e is IOException or JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }
}
