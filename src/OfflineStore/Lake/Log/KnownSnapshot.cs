using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Lake.Log;

/// <summary>A state that was read, and what its last commit looked like then: a table that was removed and made anew has another commit in its place.</summary>
internal sealed record KnownSnapshot(DeltaSnapshot Snapshot, LakeObject Commit)
{
    /// <summary>Null where the commit of the state is gone, so that nothing tells it.</summary>
    public static KnownSnapshot? Of(DeltaSnapshot snapshot, LogFiles files) =>
        files.Commits.Contains(snapshot.Version) && files.Stat(snapshot.Version) is { } commit ? new KnownSnapshot(snapshot, commit) : null;

    public bool IsStillIn(LogFiles files) => files.Commits.Contains(Snapshot.Version) && files.Stat(Snapshot.Version) == Commit;
}
