using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Rows;

namespace FeatureStore.OnlineStore.Tests;

/// <summary>One way in which <see cref="BrokenStore"/> is wrong.</summary>
public enum Breakage
{
    /// <summary>None: an obvious and right store, the oracle of the property tests.</summary>
    None,
    LastWriterWins,
    EqualTimeAlwaysLoses,
    OldestWins,
    RepliesInKeyOrder,
    ForgetsRepeatedKeys,
    MixesOldAndNewValues,
    ShiftsFeatures,
    MixesTables,
    MixesProjects,
    NullsAreAbsent,
    AbsentAreNulls,
    CountsAllAsWritten,
    EpochCountsAsATime,
    RemovesSisters,
    RemovesNothing,
    DropsTheLastRowOfABatch,
    ForgetsFences,
    MarksWithoutAFence,
    NewerStoredRowIsNeverReplaced,
    LowersFences,
    ChecksOnlyLowerFences,
    KeepsFencesOfRemovedTables,
}

/// <summary>A store over a dictionary that is wrong on purpose, so that the suite can show that it would notice.</summary>
public sealed class BrokenStore(Breakage breakage) : IOnlineStore
{
    private readonly Dictionary<(string Project, string View, string Key), (long Time, Dictionary<string, byte[]> Values)> _rows = [];
    private readonly Dictionary<(string Project, string View), long> _fences = [];
    private readonly Dictionary<(string Project, string View), long> _whole = [];

    public Task EnsureTablesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<OnlineRead[][]> ReadAsync(
        IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken)
    {
        var keys = breakage switch
        {
            Breakage.RepliesInKeyOrder => entityKeys.OrderBy(Convert.ToHexString, StringComparer.Ordinal).ToArray(),
            _ => [.. entityKeys],
        };
        var seen = new HashSet<(int, string)>();
        return Task.FromResult(tables.Select((t, i) => keys.Select(k =>
            breakage == Breakage.ForgetsRepeatedKeys && !seen.Add((i, Convert.ToHexString(k))) ? Nothing(t) : Read(t, k)).ToArray()).ToArray());
    }

    public Task<OnlineWriteCounts> WriteAsync(
        OnlineTable table, IReadOnlyList<EncodedRow> rows, OnlineWrite write, CancellationToken cancellationToken)
    {
        if (write.Fence is { } fence && breakage != Breakage.ForgetsFences && Standing(table) is var standing
            && (breakage == Breakage.ChecksOnlyLowerFences ? fence < standing : fence != standing))
        {
            throw new FenceLostException(table.View, standing);
        }

        var written = 0;
        foreach (var row in breakage == Breakage.DropsTheLastRowOfABatch && rows.Count > 1 ? rows.SkipLast(1) : rows)
        {
            var id = Id(table, row.EntityKey);
            if (!_rows.TryGetValue(id, out var old) || Wins(row.EventTimeMicros, old.Time, write.Rule))
            {
                var values = table.Features.Select((f, i) => (f, i)).ToDictionary(f => f.f, f => row.Values[f.i]);
                if (breakage == Breakage.MixesOldAndNewValues && old.Values is not null)
                {
                    values[table.Features[^1]] = old.Values[table.Features[^1]];
                }

                _rows[id] = (row.EventTimeMicros, values);
                written++;
            }
        }

        return Task.FromResult(breakage == Breakage.CountsAllAsWritten
            ? new OnlineWriteCounts(rows.Count, 0)
            : new OnlineWriteCounts(written, rows.Count - written));
    }

    public Task<long> RaiseFenceAsync(OnlineTable table, long fence, CancellationToken cancellationToken)
    {
        var key = (table.Project, table.View);
        return Task.FromResult(_fences[key] = breakage == Breakage.LowersFences ? fence : Math.Max(fence, _fences.GetValueOrDefault(key)));
    }

    public Task MarkWholeAsync(OnlineTable table, long fence, CancellationToken cancellationToken)
    {
        if (Standing(table) != fence && breakage != Breakage.MarksWithoutAFence)
        {
            throw new FenceLostException(table.View, Standing(table));
        }

        _whole[(table.Project, table.View)] = fence;
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<OnlineFence>> FencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<OnlineFence>>(
            [.. tables.Select(t => new OnlineFence(Standing(t), _whole.TryGetValue((t.Project, t.View), out var whole) ? whole : null))]);

    public Task RemoveFencesAsync(IReadOnlyList<OnlineTable> tables, CancellationToken cancellationToken)
    {
        foreach (var table in tables)
        {
            _fences.Remove((table.Project, table.View));
            _whole.Remove((table.Project, table.View));
        }

        return Task.CompletedTask;
    }

    public Task RecordKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) => Task.CompletedTask;

    public IAsyncEnumerable<IReadOnlyList<byte[]>> RecordedKeysAsync(OnlineTable table, CancellationToken cancellationToken) =>
        AsyncEnumerable.Empty<IReadOnlyList<byte[]>>();

    public Task ForgetKeysAsync(OnlineTable table, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task RemoveRowsAsync(
        IReadOnlyList<OnlineTable> tables, IReadOnlyList<byte[]> entityKeys, CancellationToken cancellationToken)
    {
        Remove(id => tables.Any(t => entityKeys.Any(k => Hits(t, id) && id.Key == Convert.ToHexString(k))));
        return Task.CompletedTask;
    }

    public Task RemoveTablesAsync(IReadOnlyList<OnlineTable> tables, EntityKeyShape keys, CancellationToken cancellationToken)
    {
        Remove(id => tables.Any(t => Hits(t, id)) && keys.IsEntityKey(Convert.FromHexString(id.Key)));
        return breakage == Breakage.KeepsFencesOfRemovedTables ? Task.CompletedTask : RemoveFencesAsync(tables, cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static OnlineRead Nothing(OnlineTable table) => new(null, new byte[]?[table.Features.Count]);

    private bool Wins(long time, long stored, OnlineWriteRule rule) => breakage switch
    {
        Breakage.LastWriterWins => true,
        Breakage.NewerStoredRowIsNeverReplaced => stored <= 0 || time > stored || (time == stored && rule != OnlineWriteRule.NewerWins),
        _ when rule == OnlineWriteRule.Replaces => true,
        Breakage.EqualTimeAlwaysLoses => stored <= 0 || time > stored,
        Breakage.OldestWins => stored <= 0 || time < stored,
        Breakage.EpochCountsAsATime => time > stored || (time == stored && rule == OnlineWriteRule.NewerOrEqualWins),
        _ => stored <= 0 || time > stored || (time == stored && rule == OnlineWriteRule.NewerOrEqualWins),
    };

    private long? Standing(OnlineTable table) => _fences.TryGetValue((table.Project, table.View), out var fence) ? fence : null;

    private bool Hits(OnlineTable table, (string Project, string View, string Key) id) =>
        (id.Project == table.Project && (id.View == table.View || breakage == Breakage.RemovesSisters))
        || (breakage == Breakage.MixesProjects && id.View == table.View);

    private void Remove(Func<(string Project, string View, string Key), bool> hit)
    {
        foreach (var id in breakage == Breakage.RemovesNothing ? [] : _rows.Keys.Where(hit).ToArray())
        {
            _rows.Remove(id);
        }
    }

    private (string Project, string View, string Key) Id(OnlineTable table, byte[] key) =>
        (table.Project, breakage == Breakage.MixesTables ? string.Empty : table.View, Convert.ToHexString(key));

    private OnlineRead Read(OnlineTable table, byte[] key)
    {
        if (!_rows.TryGetValue(Id(table, key), out var row))
        {
            return Nothing(table);
        }

        var values = table.Features.Select(row.Values.GetValueOrDefault).Select(v => (breakage, v) switch
        {
            (Breakage.NullsAreAbsent, { Length: 0 }) => null,
            (Breakage.AbsentAreNulls, null) => [],
            _ => v,
        }).ToArray();
        return new OnlineRead(row.Time, breakage == Breakage.ShiftsFeatures && values.Length > 1 ? [.. values[1..], values[0]] : values);
    }
}
