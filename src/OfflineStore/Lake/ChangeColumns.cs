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
    ];

    /// <summary>True for ops whose row is new: a create or a snapshot's read.</summary>
    public static bool IsInsert(string op) => op is "c" or "r";
}
