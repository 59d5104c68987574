using System.Diagnostics.CodeAnalysis;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Registry.Files;

/// <summary>The lock file beside a registry, by which writers of this library exclude each other; the system frees it when its holder dies.</summary>
internal static class RegistryLock
{
    // Longer than any write of a registry takes; a writer that holds the lock this long has hung.
    private static readonly TimeSpan LockWaitMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LockRetry = TimeSpan.FromMilliseconds(20);

    /// <exception cref="RegistryException">Another writer held it for the whole wait, or the folder cannot be written.</exception>
    public static FileStream Take(string path, TimeProvider time, CancellationToken cancellationToken)
    {
        MakeFolder(path);
        var started = time.GetTimestamp();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (TryLock(path, out var held, out var cause))
            {
                return held;
            }

            if (time.GetElapsedTime(started) >= LockWaitMax)
            {
                throw new RegistryException($"The registry {path} is being written by another process ({cause?.Message}); run again when it is done.", cause);
            }

            cancellationToken.WaitHandle.WaitOne(LockRetry);
        }
    }

    private static void MakeFolder(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RegistryException($"The folder of the registry {path} cannot be made ({e.Message}); check the path and its rights.", e);
        }
    }

    private static bool TryLock(string path, [NotNullWhen(true)] out FileStream? held, out IOException? cause)
    {
        (held, cause) = (null, null);
        try
        {
            // The file is left behind on purpose: removing it would let two writers lock two different files.
            held = new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return true;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new RegistryException($"The folder of the registry {path} cannot be written ({e.Message}); check its rights.", e);
        }
        catch (IOException e)
        {
            cause = e;
            return false;
        }
    }
}
