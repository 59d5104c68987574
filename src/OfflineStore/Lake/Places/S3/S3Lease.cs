using System.Diagnostics;
using System.Text;

namespace FeatureStore.OfflineStore.Lake.Places.S3;

/// <summary>
/// Makes one process the writer of a table on a server without conditional writes. Who wants it writes a claim of its own and lists: alone, it
/// has the lease; else it takes its claim back and waits a random time. Of two, the one that lists later sees both, so both never go on. Ages are
/// the server's, by which a claim that is not renewed falls. The holder renews, and writes nothing near its claim's end.
/// </summary>
internal sealed class S3Lease : IDisposable
{
    internal const string Folder = "_fstore_lease/";
    private readonly S3Objects _objects;
    private readonly S3Upload _upload;
    private readonly S3Options _options;
    private readonly string _claim;
    private readonly Timer _renewal;
    private long _renewed;
    private int _lost;

    private S3Lease(S3Objects objects, S3Upload upload, S3Options options, string claim, long claimed)
    {
        (_objects, _upload, _options, _claim, _renewed) = (objects, upload, options, claim, claimed);
        _renewal = new Timer(_ => Renew(), null, options.Lease / 4, options.Lease / 4);
    }

    /// <summary>Takes the lease of a table.</summary>
    /// <exception cref="DeltaException">Another has it and keeps it.</exception>
    public static S3Lease Take(S3Requests requests, S3Objects objects, S3Upload upload, S3Options options, string table)
    {
        var folder = table + Folder;
        var claim = $"{folder}{Guid.NewGuid():N}";
        for (var attempt = 1; ; attempt++)
        {
            var before = Stopwatch.GetTimestamp();
            upload.Put(claim, Encoding.UTF8.GetBytes(Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture)));
            if (Others(objects, options, folder, claim) is not { } other)
            {
                return new S3Lease(objects, upload, options, claim, before);
            }

            objects.Delete(claim);
            if (attempt >= options.Attempts * 2)
            {
                throw new DeltaException($"{objects.Name(table)}: another run is writing this table ({other.Name}, of {other.Modified:yyyy-MM-dd'T'HH:mm:ss'Z'}). Wait for it to end, or stop it; a claim that nobody renews falls after {options.Lease.TotalSeconds:0} s.");
            }

            requests.Pause(attempt);
        }
    }

    /// <summary>True if the lease holds for as long as one request may last.</summary>
    public bool IsHeld()
    {
        if (Volatile.Read(ref _lost) == 0 && Left() <= _options.Lease / 2)
        {
            Renew();
        }

        return Volatile.Read(ref _lost) == 0 && Left() > _options.Timeout;
    }

    public void Dispose()
    {
        using var ended = new ManualResetEvent(false);
        if (_renewal.Dispose(ended))
        {
            ended.WaitOne();
        }

        try
        {
            _objects.Delete(_claim);
        }
        catch (S3Exception)
        {
            // It falls by its age.
        }
    }

    private static LakeObject? Others(S3Objects objects, S3Options options, string folder, string claim)
    {
        var claims = objects.List(folder).ToList();

        // A listing without our own claim is older than it, and tells nothing of the others.
        if (claims.Find(c => c.Name == claim) is not { } own)
        {
            return new LakeObject(claim, 0, DateTimeOffset.UnixEpoch);
        }

        foreach (var fallen in claims.Where(c => c.Name != claim && own.Modified - c.Modified > options.Lease * 2))
        {
            objects.Delete(fallen.Name);
        }

        return claims.Find(c => c.Name != claim && own.Modified - c.Modified <= options.Lease * 2);
    }

    private TimeSpan Left() => _options.Lease - Stopwatch.GetElapsedTime(Volatile.Read(ref _renewed));

    // A claim that others took for fallen is not written again: it would come back beside theirs.
    private void Renew()
    {
        try
        {
            var before = Stopwatch.GetTimestamp();
            if (Left() <= TimeSpan.Zero || _objects.Stat(_claim) is null)
            {
                Volatile.Write(ref _lost, 1);
                return;
            }

            _upload.Put(_claim, Encoding.UTF8.GetBytes(before.ToString(System.Globalization.CultureInfo.InvariantCulture)));
            Volatile.Write(ref _renewed, before);
        }
        catch (S3Exception)
        {
            // What is left of the lease runs on.
        }
    }
}
