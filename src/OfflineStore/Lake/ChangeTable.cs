using FeatureStore.OfflineStore.Lake.Log;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.OfflineStore.Lake.Tables;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>
/// An append-only Delta table of changes. A commit holds the rows and the source's progress together, so a repeated
/// delivery is seen by its <c>txn</c> and left out. One writer at a time; a lost race is tried again a few times.
/// </summary>
public sealed class ChangeTable
{
    private const string Staging = "change_rows";
    private const int RowGroupRows = 122_880;
    private readonly DeltaLog _log;
    private readonly LakeFiles _files;
    private readonly IReadOnlyList<LakeColumn> _columns;
    private readonly LakeOptions? _options;

    private ChangeTable(LakePlace root, IReadOnlyList<LakeColumn> columns, LakeOptions? options)
    {
        _options = options;
        _log = new DeltaLog(root);
        _files = new LakeFiles(root);
        _columns = columns;
    }

    /// <summary>Names a table below the lake's root; it is made by the first append.</summary>
    /// <param name="columns">The row's own columns, in the order of <see cref="ChangeRow.Values"/>.</param>
    /// <param name="options">Bounds of the writing; null takes the defaults.</param>
    public static ChangeTable Open(LakePlace lake, string path, IReadOnlyList<LakeColumn> columns, LakeOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new ChangeTable(lake.Below(path), columns, options);
    }

    /// <summary>The last progress stored for an application, or null.</summary>
    public long? TxnVersion(string appId) => Stored(_log.Read(CancellationToken.None), appId);

    /// <summary>The last progress of every application that the table knows of.</summary>
    public IReadOnlyList<LakeTxn> TxnVersions() => _log.Read(CancellationToken.None) is { } now ? [.. now.Txn.Select(t => new LakeTxn(t.Key, t.Value))] : [];

    /// <summary>Sees that the table can take these rows: it is absent, or a change table whose columns do not contradict ours. Reads the log alone.</summary>
    /// <exception cref="DeltaException">It cannot; the message says why and the way out.</exception>
    public void EnsureTakesRows(CancellationToken cancellationToken) => _ = MetadataChange(_log.Read(cancellationToken));

    /// <summary>Commits rows and progress at once; does nothing if the table holds this progress or a later one.</summary>
    /// <exception cref="DeltaException">The table's columns contradict ours, or other writers won every attempt.</exception>
    public void Append(IReadOnlyList<ChangeRow> rows, LakeTxn txn, CancellationToken cancellationToken) =>
        _ = Append(rows, txn, now => Stored(now, txn.AppId) >= txn.Version, cancellationToken);

    /// <summary>
    /// Commits rows and progress at once, if the table still holds the progress that they follow. Two that read the same source from different places would
    /// else land what lies between twice.
    /// </summary>
    /// <param name="after">The progress that the rows were read after; null for none.</param>
    /// <returns>False, and nothing is committed, if another moved the progress.</returns>
    /// <exception cref="DeltaException">The table's columns contradict ours, or other writers won every attempt.</exception>
    public bool AppendAfter(IReadOnlyList<ChangeRow> rows, LakeTxn txn, long? after, CancellationToken cancellationToken) =>
        Append(rows, txn, now => Stored(now, txn.AppId) != after, cancellationToken);

    private bool Append(IReadOnlyList<ChangeRow> rows, LakeTxn txn, Func<DeltaSnapshot?, bool> isNeedless, CancellationToken cancellationToken)
    {
        var before = _log.Read(cancellationToken);
        if (isNeedless(before))
        {
            return false;
        }

        var added = Write(rows, MetadataChange(before) ?? before!.Metadata, cancellationToken);
        try
        {
            var committed = CommitLoop.Run(
                _log,
                before,
                now => isNeedless(now) ? null : new DeltaCommit(now is null ? DeltaProtocol.Plain : null, MetadataChange(now), txn, added, []),
                cancellationToken);
            if (committed is null)
            {
                // Another delivered the same progress, or moved it.
                _files.Delete(added);
            }

            return committed is not null;
        }
        catch (DeltaException)
        {
            _files.Delete(added);
            throw;
        }
    }

    private static long? Stored(DeltaSnapshot? snapshot, string appId) =>
        snapshot is not null && snapshot.Txn.TryGetValue(appId, out var stored) ? stored : null;

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
        var foreign = _log.Table.AllNames().Where(path => path.EndsWith(".parquet", StringComparison.Ordinal))
            .FirstOrDefault(path => !path.StartsWith(ChangeColumns.CommitDate + "=", StringComparison.Ordinal) && !path.StartsWith(LakeFiles.TemporaryFolder, StringComparison.Ordinal));
        if (foreign is not null)
        {
            throw new DeltaException($"{_log.TableRoot} holds plain Parquet ({foreign}), which a change table would hide. Write to another table.");
        }
    }

    private IReadOnlyList<DeltaFile> Write(IReadOnlyList<ChangeRow> rows, DeltaMetadata metadata, CancellationToken cancellationToken)
    {
        if (rows.Count == 0)
        {
            return [];
        }

        // DuckDB deals rows out to threads by row groups: with one of them a second thread would only ask for work.
        var options = _options ?? LakeOptions.Default;
        using var database = LakeDatabase.Open(rows.Count <= RowGroupRows ? options with { Threads = 1 } : options);
        using var connection = LakeDatabase.Connect(database, cancellationToken);
        ChangeStaging.Fill(connection, Staging, _columns, Checked(rows), cancellationToken);
        var relation = ChangeStaging.Select(Staging, _columns, TableField.Read(metadata.SchemaString, _log.TableRoot));
        return new TableWriter(_log.Table, metadata).Write(connection, relation, ChangeColumns.KindTag, ChangeColumns.KindTag, cancellationToken);
    }

    private IEnumerable<ChangeRow> Checked(IReadOnlyList<ChangeRow> rows)
    {
        foreach (var row in rows)
        {
            yield return row.CommitTimeMicros is < LakeTime.Least or > LakeTime.Greatest
                ? throw new DeltaException($"{_log.TableRoot}: the change at position {row.Lsn} of {row.Source} has a commit time outside the years 1 to 9999. Correct it at its source.")
                : row;
        }
    }
}
