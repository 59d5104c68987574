namespace FeatureStore.OfflineStore.Lake.Log;

/// <summary>Commits what still holds after others committed: a lost race reads the table again and decides anew, a bounded number of times.</summary>
internal static class CommitLoop
{
    // Each lost race is another writer's progress; so many in a row is a table with too many writers.
    private const int AttemptsMax = 20;

    /// <summary>Commits what <paramref name="decide"/> gives for the newest state.</summary>
    /// <param name="before">The state that was read last, null where no table is.</param>
    /// <param name="decide">Gives the commit for a state, or null where it has become needless; throws where it can no longer be made.</param>
    /// <returns>The version committed, or null.</returns>
    /// <exception cref="DeltaException">Others won every attempt.</exception>
    public static long? Run(DeltaLog log, DeltaSnapshot? before, Func<DeltaSnapshot?, DeltaCommit?> decide, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (decide(before) is not { } commit)
            {
                return null;
            }

            var version = before is null ? 0 : before.Version + 1;
            if (log.TryCommit(version, commit) == DeltaCommitOutcome.Committed)
            {
                return version;
            }

            before = log.Read(cancellationToken);
        }

        throw new DeltaException($"{log.TableRoot}: other writers took {AttemptsMax} versions in a row. Try again; let fewer processes write this table.");
    }
}
