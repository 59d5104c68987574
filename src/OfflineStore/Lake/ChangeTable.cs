using System.Text.Json.Nodes;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>
/// An append-only Delta table of changes. A commit holds the rows and the source's progress together, so a repeated
/// delivery is seen by its <c>txn</c> and left out. One writer at a time; a lost race is tried again a few times.
/// </summary>
public sealed class ChangeTable
{
    // Appends do not depend on what others append, so a conflict only asks for the next version.
    private const int CommitAttemptsMax = 10;
    private const string Staging = "change_rows";
    private readonly DeltaLog _log;
    private readonly LakeFiles _files;
    private readonly IReadOnlyList<LakeColumn> _columns;

    private readonly LakeOptions? _options;

    private ChangeTable(string root, IReadOnlyList<LakeColumn> columns, LakeOptions? options)
    {
        _options = options;
        _log = new DeltaLog(root);
        _files = new LakeFiles(root);
        _columns = columns;
    }

    /// <summary>Names a table below the lake's root; it is made by the first append.</summary>
    /// <param name="columns">The row's own columns, in the order of <see cref="ChangeRow.Values"/>.</param>
    /// <param name="options">Bounds of the writing; null takes the defaults.</param>
    public static ChangeTable Open(string lakeRoot, string path, IReadOnlyList<LakeColumn> columns, LakeOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new ChangeTable(Path.Combine(lakeRoot, path), columns, options);
    }

    /// <summary>The last progress stored for an application, or null.</summary>
    public long? TxnVersion(string appId) =>
        _log.Read(CancellationToken.None) is { } s && s.Txn.TryGetValue(appId, out var version) ? version : null;

    /// <summary>Sees that the table can take these rows: it is absent, or a change table whose columns do not contradict ours. Reads the log alone.</summary>
    /// <exception cref="DeltaException">It cannot; the message says why and the way out.</exception>
    public void EnsureTakesRows(CancellationToken cancellationToken) => _ = MetadataChange(_log.Read(cancellationToken));

    /// <summary>Commits rows and progress at once; does nothing if the table holds this progress or a later one.</summary>
    /// <exception cref="DeltaException">The table's columns contradict ours, or other writers won every attempt.</exception>
    public void Append(IReadOnlyList<ChangeRow> rows, LakeTxn txn, CancellationToken cancellationToken)
    {
        var before = _log.Read(cancellationToken);
        if (Holds(before, txn))
        {
            return;
        }

        _ = MetadataChange(before); // Refuses contradicting columns before any file is written.
        var added = Write(rows, cancellationToken);
        for (var attempt = 0; attempt < CommitAttemptsMax; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var commit = new DeltaCommit(before is null ? DeltaProtocol.Plain : null, MetadataChange(before), txn, added, []);
            if (_log.TryCommit(before is null ? 0 : before.Version + 1, commit) == DeltaCommitOutcome.Committed)
            {
                return;
            }

            before = _log.Read(cancellationToken);
            if (Holds(before, txn))
            {
                // Another delivered the same progress; a file is never removed that the log names.
                _files.Delete(added.Where(f => !before!.Files.ContainsKey(f.Path)));
                return;
            }
        }

        _files.Delete(added);
        throw new DeltaException(
            $"{_log.TableRoot}: other writers took {CommitAttemptsMax} versions in a row. Let a single process write this table.");
    }

    private static bool Holds(DeltaSnapshot? snapshot, LakeTxn txn) =>
        snapshot is not null && snapshot.Txn.TryGetValue(txn.AppId, out var stored) && stored >= txn.Version;

    /// <summary>The metaData action this commit needs: a new table's, a widened schema's, or none.</summary>
    private DeltaMetadata? MetadataChange(DeltaSnapshot? snapshot)
    {
        List<LakeColumn> wanted = [.. ChangeColumns.Leading, .. _columns, new LakeColumn(ChangeColumns.CommitDate, LakeType.Date)];
        if (snapshot is null)
        {
            EnsureNobodysFiles();
            var configuration = new Dictionary<string, string> { ["delta.appendOnly"] = "true" };
            return new DeltaMetadata(Guid.NewGuid().ToString(), DeltaSchema.Write(wanted), [ChangeColumns.CommitDate], configuration);
        }

        snapshot.EnsureWritable(_log.TableRoot);
        var present = DeltaSchema.Read(snapshot.Metadata.SchemaString, _log.TableRoot);
        if (ChangeColumns.Required.FirstOrDefault(c => present.All(p => p.Name != c.Name)) is { } lacking)
        {
            throw new DeltaException($"{_log.TableRoot} is no change table (it has no column {lacking.Name}), and changes among its rows would make them unreadable. Write to another table.");
        }

        foreach (var column in wanted)
        {
            if (present.FirstOrDefault(c => c.Name == column.Name) is { } old && old.Type != column.Type)
            {
                throw new DeltaException(
                    $"{_log.TableRoot}: column {column.Name} is {old.Type} in the table and {column.Type} in the rows. Cast it at the source, or write to a new table.");
            }
        }

        var missing = wanted.Where(c => present.All(p => p.Name != c.Name)).ToList();
        return missing.Count == 0 ? null : snapshot.Metadata with { SchemaString = DeltaSchema.Write([.. present, .. missing]) };
    }

    // A log would hide Parquet files that somebody else wrote here. What a broken first append of ours left lies in folders of its own.
    private void EnsureNobodysFiles()
    {
        if (!Directory.Exists(_log.TableRoot))
        {
            return;
        }

        var foreign = Directory.EnumerateFiles(_log.TableRoot, "*.parquet", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(_log.TableRoot, path))
            .FirstOrDefault(path => !path.StartsWith(ChangeColumns.CommitDate + "=", StringComparison.Ordinal) && !path.StartsWith(LakeFiles.TemporaryFolder, StringComparison.Ordinal));
        if (foreign is not null)
        {
            throw new DeltaException($"{_log.TableRoot} holds plain Parquet ({foreign}), which a change table would hide. Write to another table.");
        }
    }

    private List<DeltaFile> Write(IReadOnlyList<ChangeRow> rows, CancellationToken cancellationToken)
    {
        var added = new List<DeltaFile>();
        if (rows.Count == 0)
        {
            return added;
        }

        using var database = LakeDatabase.Open(_options);
        using var connection = LakeDatabase.Connect(database, cancellationToken);
        var groups = rows.GroupBy(r => (Date: LakeSql.DateText(r.CommitTimeMicros), Insert: ChangeColumns.IsInsert(r.Op)))
            .OrderBy(g => g.Key.Date, StringComparer.Ordinal).ThenBy(g => g.Key.Insert);
        foreach (var group in groups)
        {
            cancellationToken.ThrowIfCancellationRequested();
            List<ChangeRow> part = [.. group];
            ChangeStaging.Fill(connection, Staging, _columns, part, cancellationToken);
            var staged = _files.Stage(
                connection, ChangeStaging.Select(Staging, _columns), ChangeColumns.CommitDate, group.Key.Date, cancellationToken);
            var kind = group.Key.Insert ? ChangeColumns.InsertKind : ChangeColumns.ChangeKind;
            added.Add(_files.Publish(staged, Stats(part), new Dictionary<string, string> { [ChangeColumns.KindTag] = kind }));
        }

        return added;
    }

    /// <summary>Exact bounds of each instant column. A bound that Delta's text cannot say is left out: unknown, never empty.</summary>
    private string Stats(List<ChangeRow> rows)
    {
        var least = new JsonObject();
        var greatest = new JsonObject();
        var nulls = new JsonObject();
        for (var c = 0; c < _columns.Count; c++)
        {
            if (_columns[c].Type != LakeType.Timestamp)
            {
                continue;
            }

            var index = c;
            var times = rows.Where(r => r.Values[index] is not null).Select(r => (long)r.Values[index]!).ToList();
            nulls[_columns[c].Name] = rows.Count - times.Count;
            if (times.Count > 0 && times.Min() > LakeTime.Least && times.Max() < LakeTime.Greatest)
            {
                least[_columns[c].Name] = LakeSql.InstantText(times.Min());
                greatest[_columns[c].Name] = LakeSql.InstantText(times.Max());
            }
        }

        return new JsonObject { ["numRecords"] = rows.Count, ["minValues"] = least, ["maxValues"] = greatest, ["nullCount"] = nulls }
            .ToJsonString();
    }
}
