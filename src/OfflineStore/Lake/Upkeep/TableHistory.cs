using System.Text.Json;
using FeatureStore.OfflineStore.Lake.Log;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake.Upkeep;

/// <summary>One commit as people read it.</summary>
/// <param name="Operation">What its writer called it, or null.</param>
/// <param name="RowsAdded">By the statistics of its files; null where one has none.</param>
/// <param name="Txn">Progress that it stored, <c>application=version</c> each.</param>
public sealed record CommitInfo(long Version, DateTimeOffset Time, string? Operation, string? Engine, int FilesAdded, int FilesRemoved, long? RowsAdded, string Txn);

/// <summary>The commits of a table that are left in its log.</summary>
public static class TableHistory
{
    /// <summary>The newest commits, newest first.</summary>
    /// <exception cref="DeltaException">No table is there, or a commit is damaged.</exception>
    public static IReadOnlyList<CommitInfo> Read(LakePlace root, int limit, CancellationToken cancellationToken)
    {
        var log = new DeltaLog(root);
        var newest = log.Read(cancellationToken) ?? throw new DeltaException($"{root} is no Delta table; it has no log.");
        return [.. log.Times(newest).Reverse().Take(limit).Select(t => Info(log, t))];
    }

    private static CommitInfo Info(DeltaLog log, CommitTime time)
    {
        var commit = LogFiles.CommitName(time.Version);
        var replay = new DeltaReplay(log.TableRoot);
        replay.Apply(log.LogPath, commit);
        var rows = replay.Added.Select(f => f.Records).ToList();
        var (operation, engine) = Said(log.LogPath, commit);
        return new CommitInfo(
            time.Version, time.Time, operation, engine, replay.Added.Count, replay.RemovedCount, rows.Contains(null) ? null : rows.Sum(),
            string.Join(", ", replay.Txn.Select(t => $"{t.Key}={t.Value}")));
    }

    // Free text, of whatever type its writer chose.
    private static (string? Operation, string? Engine) Said(LakePlace log, string commit)
    {
        foreach (var line in log.Lines(commit).Where(l => l.Contains("commitInfo", StringComparison.Ordinal)))
        {
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.TryGetProperty("commitInfo", out var info) && info.ValueKind == JsonValueKind.Object)
            {
                return (Text(info, "operation"), Text(info, "engineInfo"));
            }
        }

        return (null, null);
    }

    private static string? Text(JsonElement info, string name) =>
        info.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;
}
