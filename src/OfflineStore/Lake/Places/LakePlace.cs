using FeatureStore.OfflineStore.Lake.Places.S3;

namespace FeatureStore.OfflineStore.Lake.Places;

/// <summary>A file or an object of a place.</summary>
/// <param name="Name">Relative to the place, parts joined by a slash.</param>
/// <param name="Bytes">Its length; negative where a listing does not tell, and <see cref="LakePlace.Stat"/> does.</param>
/// <param name="ETag">What the store says its bytes are; null for a folder.</param>
internal sealed record LakeObject(string Name, long Bytes, DateTimeOffset Modified, string? ETag = null);

/// <summary>A file whose parts were sent and that was never made of them; no listing of files shows it.</summary>
/// <param name="Name">What it would have been called, relative to the place.</param>
/// <param name="Remove">Deletes the parts; safe to repeat.</param>
internal sealed record UnfinishedFile(string Name, Action Remove);

/// <summary>
/// Where a lake, a table or its log lies: a folder, or a prefix of an S3 bucket. Whoever reads or writes a table goes through here, and what is
/// said of durability holds for both: when a method that writes returns, a crash takes nothing back.
/// </summary>
public abstract class LakePlace
{
    private protected LakePlace(string address) => Address = address;

    /// <summary>The folder, or the address as <c>s3://bucket/prefix</c>.</summary>
    public string Address { get; }

    /// <summary>True if its files are not on this machine, so that each look at one costs a request.</summary>
    internal abstract bool IsRemote { get; }

    /// <summary>True if something lies there.</summary>
    public abstract bool Exists { get; }

    /// <summary>A folder.</summary>
    public static implicit operator LakePlace(string folder) => FromString(folder);

    /// <summary>A folder.</summary>
    public static LakePlace FromString(string folder) => new FolderPlace(folder);

    /// <summary>Tables, or folders of them, that lie elsewhere: path below this place to folder or address.</summary>
    public IReadOnlyDictionary<string, string> Locations { get; private set; } = new Dictionary<string, string>();

    /// <summary>A lake's root.</summary>
    /// <param name="address">A folder, or <c>s3://bucket/prefix</c>.</param>
    /// <param name="s3">The server that S3 addresses are of, here and below; null if the settings name none.</param>
    /// <param name="locations">Tables that lie elsewhere.</param>
    /// <exception cref="DeltaException">An address of S3 is no address, or there is no server.</exception>
    public static LakePlace Open(string address, S3Connection? s3, IReadOnlyDictionary<string, string> locations)
    {
        var place = address.StartsWith(S3Connection.Scheme, StringComparison.Ordinal) ? Server(address, s3).Place(address) : new FolderPlace(address, s3);
        place.Locations = locations;
        return place;
    }

    /// <summary>The place of a path below; a whole path or address names its own place.</summary>
    public LakePlace Below(string path)
    {
        foreach (var (name, address) in Locations)
        {
            if (path == name || path.StartsWith(name + "/", StringComparison.Ordinal))
            {
                return path.Length == name.Length ? Whole(address) : Whole(address).Under(path[(name.Length + 1)..]);
            }
        }

        return path.StartsWith(S3Connection.Scheme, StringComparison.Ordinal) || Path.IsPathRooted(path) ? Whole(path)
            : path == "." ? this
            : Under(path);
    }

    /// <summary>Paths of the tables below, in no order: whatever has a <c>_delta_log</c>. Tables do not lie in tables.</summary>
    internal IEnumerable<string> TablePaths() => OwnTablePaths()
        .Concat(Locations.SelectMany(l => Whole(l.Value).OwnTablePaths().Select(p => p == "." ? l.Key : $"{l.Key}/{p}")));

    /// <summary>What lies directly in the place, at least from a name on.</summary>
    internal abstract IEnumerable<LakeObject> Entries(string? from);

    /// <summary>The names of all files below, hidden ones too.</summary>
    internal abstract IEnumerable<string> AllNames();

    /// <summary>The files below with their lengths and ages. Others write and delete there meanwhile.</summary>
    /// <param name="isHiddenLeftOut">Leaves out what begins with an underscore or a dot, unless it is a partition's folder.</param>
    internal abstract List<LakeObject> Files(bool isHiddenLeftOut);

    /// <summary>A file, or null where it is not there.</summary>
    internal abstract LakeObject? Stat(string name);

    /// <summary>The first of the names that is not there, or null.</summary>
    internal abstract string? FirstMissing(IEnumerable<string> names);

    /// <exception cref="FileNotFoundException">It is not there.</exception>
    internal abstract byte[] Read(string name);

    /// <summary>A text file's lines.</summary>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    internal abstract IEnumerable<string> Lines(string name);

    /// <summary>Writes a file unless the name is taken; of several writers one at most is told true.</summary>
    internal abstract bool PutIfAbsent(string name, byte[] bytes);

    /// <summary>Writes a file in place of what had the name.</summary>
    internal abstract void Put(string name, byte[] bytes);

    /// <summary>Deletes a file; one that is gone is no fault.</summary>
    internal abstract void Delete(string name);

    /// <summary>Files that were begun before a moment and never finished, where a store keeps such.</summary>
    internal virtual IReadOnlyList<UnfinishedFile> Unfinished(DateTimeOffset before) => [];

    /// <summary>Makes deletions durable.</summary>
    internal abstract void Flush();

    /// <summary>A path of this machine at which a file, or a folder of them, may be made for <see cref="Publish"/>. Nobody takes it for a part of the table.</summary>
    internal abstract string Draft(string name);

    /// <summary>Gives a draft its name, which was never used before.</summary>
    internal abstract void Publish(string draft, string name);

    /// <summary>Gives a draft a name whether that is taken or not.</summary>
    internal abstract void Replace(string draft, string name);

    /// <summary>Gives many drafts their names, none used before. A failure leaves some of them, which no commit names.</summary>
    internal abstract void PublishAll(IReadOnlyList<(string Draft, string Name)> files);

    /// <summary>Paths of this machine at which the files can be read, in the same order, for as long as a database of the lake is open.</summary>
    /// <exception cref="DeltaException">One is gone from a store that has to fetch it.</exception>
    internal abstract IReadOnlyList<string> LocalFiles(IReadOnlyList<string> names);

    /// <summary>If the place is a file, that; else every Parquet file below it, in the order of their names; as <see cref="LocalFiles"/> gives them.</summary>
    internal abstract IReadOnlyList<string> PlainParquet();

    /// <summary>The name of a file that <see cref="LocalFiles"/> gave the path of.</summary>
    internal abstract string NameOf(string localFile);

    /// <summary>Makes one run the writer of a table; dispose to give it back.</summary>
    /// <exception cref="DeltaException">Another writer has it.</exception>
    internal abstract IDisposable Lock();

    /// <summary>Deletes the place with all that lies below.</summary>
    public abstract void RemoveAll();

    /// <inheritdoc/>
    public override string ToString() => Address;

    private protected abstract S3Connection? S3 { get; }

    private protected abstract LakePlace Under(string path);

    private protected abstract IEnumerable<string> OwnTablePaths();

    private LakePlace Whole(string address) =>
        address.StartsWith(S3Connection.Scheme, StringComparison.Ordinal) ? Server(address, S3).Place(address) : new FolderPlace(address, S3);

    private static S3Connection Server(string address, S3Connection? s3) =>
        s3 ?? throw new DeltaException($"{address} lies on an S3 server, and the settings name none. Write endpoint, access_key and secret_key under fstore: s3:.");

    /// <summary>By Delta's rule what is no data: names that begin with an underscore or a dot.</summary>
    private protected static bool IsHidden(ReadOnlySpan<char> name) => name[0] is '_' or '.';
}
