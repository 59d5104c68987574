using System.Net;
using System.Runtime.ExceptionServices;
using System.Text;
using Amazon.S3;

namespace FeatureStore.OfflineStore.Lake.Places.S3;

/// <summary>
/// Writes an object unless its key is taken. Where the server honours <c>If-None-Match: *</c> it decides; whether it does is asked of the bucket
/// itself. Where it does not, a lease guards the single writer, who looks before it writes.
/// </summary>
internal sealed class S3Commit(S3Requests requests, S3Objects objects, S3Upload upload, S3Options options)
{
    private const string ProbePrefix = "_fstore_probe/";
    private const int Racers = 8;
    private readonly Lock _probing = new();
    private bool? _isConditional = options.ConditionalPut switch { ConditionalPut.Yes => true, ConditionalPut.No => false, _ => null };

    /// <summary>True if the server refuses the second of two writers by itself.</summary>
    /// <param name="folder">Where the probe may write, ending with a slash.</param>
    public bool IsConditional(string folder)
    {
        lock (_probing)
        {
            return _isConditional ??= Probe($"{folder}{ProbePrefix}{Guid.NewGuid():N}");
        }
    }

    /// <summary>Writes by the server's condition.</summary>
    /// <exception cref="S3Exception">The server cannot be asked whether the bytes were written. They may be.</exception>
    public bool PutConditionally(string key, byte[] bytes)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                upload.PutOnce(key, bytes, isConditional: true);
                return true;
            }
            catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.PreconditionFailed)
            {
                // Taken: by an attempt of ours whose answer was lost, if it has our bytes, which nobody else writes.
                return objects.Get(key)?.AsSpan().SequenceEqual(bytes) == true;
            }
            catch (AmazonS3Exception e) when (!S3Requests.IsPassing(e))
            {
                throw S3Requests.Refused($"{objects.Name(key)} is written", e);
            }
            catch (Exception e) when (S3Requests.IsPassing(e))
            {
                // Whether it was applied is not known. What is there tells; nothing there yet, and the condition still guards the next attempt.
                if (objects.Get(key) is { } there)
                {
                    return there.AsSpan().SequenceEqual(bytes);
                }

                if (attempt >= options.Attempts)
                {
                    throw requests.Failed($"{objects.Name(key)} is written (it may yet appear)", e);
                }

                requests.Pause(attempt);
            }
        }
    }

    /// <summary>Writes as the holder of the lease: nobody else does.</summary>
    public bool PutAsHolder(string key, byte[] bytes, S3Lease lease)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                EnsureHeld(key, lease, attempt);
                if (objects.Get(key) is { } there)
                {
                    return there.AsSpan().SequenceEqual(bytes);
                }

                EnsureHeld(key, lease, attempt);
                upload.PutOnce(key, bytes, isConditional: false);
                return objects.Get(key)?.AsSpan().SequenceEqual(bytes) == true;
            }
            catch (AmazonS3Exception e) when (!S3Requests.IsPassing(e))
            {
                throw S3Requests.Refused($"{objects.Name(key)} is written", e);
            }
            catch (Exception e) when (S3Requests.IsPassing(e))
            {
                if (attempt >= options.Attempts)
                {
                    throw requests.Failed($"{objects.Name(key)} is written (it may yet appear)", e);
                }

                requests.Pause(attempt);
            }
        }
    }

    // A refusal says that nothing was written, which is not known any more once an attempt was made.
    private void EnsureHeld(string key, S3Lease lease, int attempt)
    {
        if (!lease.IsHeld())
        {
            throw attempt == 1
                ? new DeltaException($"{objects.Name(key)}: the lease of its table was lost meanwhile, and it was not written. Run the command again.")
                : new S3Exception($"{objects.Name(key)}: the lease of its table was lost while it was written (it may yet appear). Run the command again.");
        }
    }

    // A server that does not know the header overwrites and says 200, so the second answer alone and what is there afterwards count.
    private bool Probe(string key)
    {
        var (first, second) = (Encoding.ASCII.GetBytes("first"), Encoding.ASCII.GetBytes("second"));
        try
        {
            if (!PutConditionally(key, first))
            {
                return false;
            }

            return !PutConditionally(key, second) && objects.Get(key)?.AsSpan().SequenceEqual(first) == true && RaceHasOneWinner(key + "-race");
        }
        catch (S3Exception e) when (e.InnerException is AmazonS3Exception { StatusCode: HttpStatusCode.NotImplemented or HttpStatusCode.BadRequest })
        {
            return false;
        }
        finally
        {
            objects.Delete(key);
        }
    }

    // Some servers look first and write then: one after the other they refuse, at the same time they let both in.
    private bool RaceHasOneWinner(string key)
    {
        var won = 0;
        try
        {
            Parallel.For(0, Racers, new ParallelOptions { MaxDegreeOfParallelism = Racers }, n => _ = PutConditionally(key, Encoding.ASCII.GetBytes($"racer {n}")) ? Interlocked.Increment(ref won) : 0);
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
        finally
        {
            objects.Delete(key);
        }

        return won == 1;
    }
}
