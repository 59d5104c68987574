using FeatureStore.Registry.Validation;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Files;

/// <summary>
/// Feast's registry file: one protobuf message, replaced whole. Fields that this version does not know, and other
/// projects, are kept. Writers of this library exclude each other by a lock file; Feast's own writers know no lock.
/// </summary>
/// <param name="path">The file; its folder is made when it is first written.</param>
public sealed class RegistryFile(string path, TimeProvider time) : IRegistryStore
{
    private const string SchemaVersion = "1";

    // A writer without our lock can come between more than once, but not on and on.
    private const int AttemptsMax = 5;

    private readonly string _path = Followed(Path.GetFullPath(path));

    /// <inheritdoc/>
    public string Place => _path;

    /// <summary>The registry as it stands.</summary>
    /// <exception cref="RegistryException">The file is missing or damaged.</exception>
    public RegistryProto Load() =>
        TryLoad() ?? throw new RegistryException($"There is no registry {_path}; run 'fstore apply', or correct 'registry' in feature_store.yaml.");

    /// <inheritdoc/>
    public DateTimeOffset? LatestEnd(string project, string view) => ViewMeta.LatestEnd(Load(), project, view);

    /// <inheritdoc/>
    public bool Exists() => File.Exists(_path);

    /// <summary>Notes that a range of event times, both ends included, is in the online store. Saying it twice is saying it once.</summary>
    /// <exception cref="RegistryException">The file is missing, damaged or locked, or has no such view.</exception>
    public void RecordInterval(string project, string view, DateTimeOffset start, DateTimeOffset end, CancellationToken cancellationToken) =>
        RegistryChange.RecordInterval(this, time, project, view, start, end, cancellationToken);

    /// <summary>Takes a project out of the registry; other projects stay, and without any the file goes. Safe to repeat.</summary>
    /// <exception cref="RegistryException">The file is damaged, locked or cannot be written.</exception>
    public IReadOnlyList<PlannedChange> RemoveProject(string project, CancellationToken cancellationToken) =>
        File.Exists(_path) ? RegistryChange.RemoveProject(this, project, cancellationToken) : [];

    (string Revision, bool Written) IRegistryStore.Update(Func<RegistryProto, bool> change, bool mustExist, CancellationToken cancellationToken) =>
        Update(change, mustExist, cancellationToken);

    /// <summary>Changes the registry under the lock, and writes it only if <paramref name="change"/> answers true.</summary>
    /// <param name="change">Called again on a fresh registry when a writer that knows no lock came between.</param>
    /// <exception cref="RegistryConflictException">Other writers came between each time.</exception>
    internal (string Revision, bool Written) Update(Func<RegistryProto, bool> change, bool mustExist, CancellationToken cancellationToken)
    {
        using var held = RegistryLock.Take(_path, time, cancellationToken);
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var registry = mustExist ? Load() : TryLoad() ?? new RegistryProto();
            var read = registry.VersionId;
            if (!change(registry))
            {
                return (read, false);
            }

            if (TryWrite(registry, read))
            {
                return (registry.VersionId, true);
            }
        }

        throw new RegistryConflictException(
            $"The registry {_path} was changed by another writer, {AttemptsMax} times while this one worked; nothing was written. Run again when it is done.");
    }

    /// <summary>The present time at the precision that Feast stores.</summary>
    internal static Timestamp Now(TimeProvider time)
    {
        var now = time.GetUtcNow();
        return Timestamp.FromDateTimeOffset(now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond)));
    }

    /// <summary>The registry, or null when there is no file.</summary>
    internal RegistryProto? TryLoad()
    {
        try
        {
            return RegistryProto.Parser.ParseFrom(File.ReadAllBytes(_path));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new RegistryException($"The registry {_path} is damaged ({e.Message}); restore it, or remove it and run 'fstore apply'.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RegistryException($"The registry {_path} cannot be read ({e.Message}); check the path and its rights.", e);
        }
    }

    /// <summary>
    /// Writes unless the file's revision is no longer the one that was read. A reader sees the old file or the new one,
    /// never a part; the same holds after a crash.
    /// </summary>
    private bool TryWrite(RegistryProto registry, string revisionRead)
    {
        registry.RegistrySchemaVersion = registry.RegistrySchemaVersion.Length == 0 ? SchemaVersion : registry.RegistrySchemaVersion;
        registry.VersionId = Guid.NewGuid().ToString();
        registry.LastUpdated = Now(time);
        var temporary = $"{_path}.{registry.VersionId}.tmp";
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                registry.WriteTo(file);
                file.Flush(flushToDisk: true);
            }

            KeepMode(temporary);

            // Feast takes no lock. What it wrote since the read must not be lost, so this is the last thing before the move.
            if ((TryLoad()?.VersionId ?? string.Empty) != revisionRead)
            {
                File.Delete(temporary);
                return false;
            }

            if (ProjectRemoval.IsEmpty(registry))
            {
                File.Delete(_path);
                File.Delete(temporary);
            }
            else
            {
                File.Move(temporary, _path, overwrite: true);
            }

            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            File.Delete(temporary);
            throw new RegistryException($"The registry {_path} cannot be written ({e.Message}); check the disk and its rights. The old registry stands.", e);
        }
        catch (RegistryException)
        {
            File.Delete(temporary);
            throw;
        }
    }

    // A move onto a link would leave what it points at as it was, for those who read that.
    private static string Followed(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        }
        catch (IOException)
        {
            return path;
        }
    }

    // The new file takes the place of the old one for its group too.
    private void KeepMode(string temporary)
    {
        if (!OperatingSystem.IsWindows() && File.Exists(_path))
        {
            File.SetUnixFileMode(temporary, File.GetUnixFileMode(_path));
        }
    }
}
