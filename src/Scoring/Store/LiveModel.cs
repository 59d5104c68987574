using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Scores;

namespace FeatureStore.Scoring.Store;

/// <summary>The live version of one model, for a process that scores: replaced whole when another one is promoted, kept when the other one is bad. A version is closed after its last call.</summary>
public sealed class LiveModel : IDisposable
{
    private readonly ModelStore _store;
    private readonly string _name;
    private readonly Lock _gate = new();
    private Entry? _current;

    private LiveModel(ModelStore store, string name, Entry current)
    {
        _store = store;
        _name = name;
        _current = current;
    }

    /// <exception cref="ModelRefusedException">The live version cannot be used; a first load has nothing to fall back on.</exception>
    /// <exception cref="ModelStoreException">No version is live.</exception>
    public static LiveModel Open(ModelStore store, string name, string servedFingerprint) =>
        new(store, name, Load(store, name, store.Show(name).Version, servedFingerprint));

    /// <summary>The version that scores now, held open until it is disposed of.</summary>
    /// <exception cref="ObjectDisposedException">The process is ending.</exception>
    public Lease Acquire()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_current is null, this);
            _current.Users++;
            return new Lease(this, _current);
        }
    }

    /// <summary>Looks which version is live, and loads it if it is another one.</summary>
    /// <returns>Whether another version scores from now on.</returns>
    /// <exception cref="ModelRefusedException">The new version cannot be used; the old one goes on scoring.</exception>
    /// <exception cref="ModelStoreException">Likewise: no version is live any more.</exception>
    public bool Refresh(string servedFingerprint)
    {
        var version = _store.Show(_name).Version;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_current is null, this);
            if (_current.Version == version && _current.Fingerprint == servedFingerprint)
            {
                return false;
            }
        }

        Replace(Load(_store, _name, version, servedFingerprint));
        return true;
    }

    public void Dispose() => Replace(null);

    private static Entry Load(ModelStore store, string name, string version, string servedFingerprint) => new(store.Show(name, version), servedFingerprint, store.Open(name, servedFingerprint, version));

    private void Replace(Entry? next)
    {
        lock (_gate)
        {
            var old = _current;
            _current = next;
            if (old is not null)
            {
                old.IsRetired = true;
                CloseIfUnused(old);
            }
        }
    }

    private void Release(Entry entry)
    {
        lock (_gate)
        {
            entry.Users--;
            CloseIfUnused(entry);
        }
    }

    private static void CloseIfUnused(Entry entry)
    {
        if (entry is { IsRetired: true, Users: 0 })
        {
            entry.Scorer.Dispose();
        }
    }

    /// <summary>A version in use.</summary>
    public sealed class Lease : IDisposable
    {
        private readonly LiveModel _owner;
        private Entry? _entry;

        internal Lease(LiveModel owner, Entry entry)
        {
            _owner = owner;
            _entry = entry;
        }

        public Scorer Scorer => Held.Scorer;

        public string Version => Held.Version;

        public ModelManifest Manifest => Held.Manifest;

        private Entry Held => _entry ?? throw new ObjectDisposedException(nameof(Lease));

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _entry, null) is { } entry)
            {
                _owner.Release(entry);
            }
        }
    }

    internal sealed class Entry(ModelManifest manifest, string fingerprint, Scorer scorer)
    {
        public ModelManifest Manifest { get; } = manifest;

        public string Version => Manifest.Version;

        public string Fingerprint { get; } = fingerprint;

        public Scorer Scorer { get; } = scorer;

        public int Users { get; set; }

        public bool IsRetired { get; set; }
    }
}
