namespace FeatureStore.OfflineStore.Lake;

/// <summary>The columns that every change table has before the row's own, and the marks on its files.</summary>
public static class ChangeColumns
{
    public const string Op = "__op";
    public const string Source = "__source";
    public const string Lsn = "__lsn";
    public const string Part = "__part";
    public const string Key = "__key";
    public const string CommitTime = "__commit_time";
    public const string Unavailable = "__unavailable";

    /// <summary>End of the last commit that the source streamed before the change. Null where the source does not tell.</summary>
    public const string PreviousCommit = "__previous_commit";

    /// <summary>Part of a row of an incremental snapshot, whose LSN is that of the last commit streamed before it.</summary>
    public const int IncrementalPart = -1;

    /// <summary>Begins the key of a row without one: all its values follow.</summary>
    public const string RowKeyPrefix = "{\"__row\":";

    private const int FirstKeylessPart = -2;

    /// <summary>The partition column: UTC date of the commit, since an update may move the event time.</summary>
    public const string CommitDate = "__commit_date";

    /// <summary>Tag of every file: <see cref="InsertKind"/> or <see cref="ChangeKind"/>.</summary>
    public const string KindTag = "fstore.kind";
    public const string InsertKind = "insert";
    public const string ChangeKind = "change";

    /// <summary>The leading columns, without the partition column.</summary>
    public static IReadOnlyList<LakeColumn> Leading { get; } =
    [
        new(Op, LakeType.String),
        new(Source, LakeType.String),
        new(Lsn, LakeType.Int64),
        new(Part, LakeType.Int32),
        new(Key, LakeType.String),
        new(CommitTime, LakeType.Timestamp),
        new(Unavailable, LakeType.String),
        new(PreviousCommit, LakeType.Int64),
    ];

    /// <summary>Those that make a table a change table; tables of an older program lack the others.</summary>
    public static IReadOnlyList<LakeColumn> Required { get; } = [.. Leading.Where(c => c.Name != PreviousCommit)];

    /// <summary>Part of a row without a key, by its ordinal among the rows of its LSN.</summary>
    public static int KeylessPart(int ordinal) => FirstKeylessPart - ordinal;

    /// <summary>True if the columns are a change table's.</summary>
    public static bool IsChangeTable(IReadOnlyList<LakeColumn> columns) => Required.All(columns.Contains);

    /// <summary>The columns that a table is read with: those that its log tells, without the partition's, and of a change table all that lead.</summary>
    public static IReadOnlyList<LakeColumn> Read(DeltaSnapshot snapshot, string root)
    {
        var columns = DeltaSchema.Read(snapshot.Metadata.SchemaString, root).Where(c => !snapshot.Metadata.PartitionColumns.Contains(c.Name)).ToList();

        // What an older program did not write is null.
        return IsChangeTable(columns) ? [.. columns, .. Leading.Except(columns)] : columns;
    }

    /// <summary>True for ops whose row is new: a create or a snapshot's read.</summary>
    public static bool IsInsert(string op) => op is "c" or "r";
}
