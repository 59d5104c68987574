using System.Net;
using System.Xml;
using Amazon.Runtime;
using Amazon.S3;

namespace FeatureStore.OfflineStore.Lake.Places.S3;

/// <summary>Sends requests: each attempt within a time-out, failures that may pass again after a random pause, a bounded number of times.</summary>
internal sealed class S3Requests : IDisposable
{
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(10);
    private readonly AmazonS3Client _client;
    private readonly S3Options _options;
    private readonly TimeProvider _time;

    public S3Requests(S3Options options, TimeProvider time)
    {
        (_options, _time) = (options, time);
        var config = new AmazonS3Config
        {
            ForcePathStyle = options.PathStyle,
            AuthenticationRegion = options.Region,
            MaxErrorRetry = 0, // The attempts are counted here, where it is known which answers a retry makes doubtful.
            Timeout = Timeout.InfiniteTimeSpan, // Each attempt has its own, which goes on while bytes arrive.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (options.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.ToString();
        }
        else
        {
            config.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(options.Region);
        }

        _client = new AmazonS3Client(new BasicAWSCredentials(options.AccessKey, options.SecretKey), config);
    }

    /// <summary>One request or transfer, sent until it is answered.</summary>
    /// <param name="what">What it is for, as an error tells it.</param>
    /// <exception cref="S3Exception">No attempt was answered, or the server refused.</exception>
    /// <exception cref="AmazonS3Exception">404 or 412, which mean something to who asks.</exception>
    public T Send<T>(string what, Func<AmazonS3Client, S3Attempt, Task<T>> send)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return Once(send);
            }
            catch (Exception e) when (IsPassing(e))
            {
                if (attempt >= _options.Attempts)
                {
                    throw Failed(what, e);
                }

                Pause(attempt);
            }
            catch (AmazonServiceException e) when (!IsAnswer(e))
            {
                throw Refused(what, e);
            }
        }
    }

    /// <summary>One attempt.</summary>
    public T Once<T>(Func<AmazonS3Client, S3Attempt, Task<T>> send)
    {
        using var attempt = new S3Attempt(_options.Timeout, _time);
        try
        {
            return Task.Run(() => send(_client, attempt)).GetAwaiter().GetResult();
        }
        catch (Exception e) when (attempt.Token.IsCancellationRequested && e is not AmazonServiceException)
        {
            throw new TimeoutException($"no answer within {_options.Timeout.TotalSeconds:0.###} s", e);
        }
    }

    /// <summary>Waits before the attempt after a failed one: a random time up to a bound that doubles, so that many writers do not come back at once.</summary>
    public void Pause(int attempt)
    {
        var most = Math.Min(PauseMax.TotalMilliseconds, _options.Pause.TotalMilliseconds * Math.Pow(2, attempt - 1));
        Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.NextDouble() * most), _time).GetAwaiter().GetResult();
    }

    public S3Exception Failed(string what, Exception e) => new(
        $"{what}: {_options} did not answer in {_options.Attempts} attempts ({e.Message}). See that it runs and is reached from here, and run the command again.", e);

    public static S3Exception Refused(string what, AmazonServiceException e) => new(
        $"{what}: the server refused with {(int)e.StatusCode} {e.ErrorCode} ({e.Message}). " + e.ErrorCode switch
        {
            "InvalidAccessKeyId" or "SignatureDoesNotMatch" => "Correct fstore: s3: access_key and secret_key.",
            "RequestTimeTooSkewed" => "Set this machine's clock.",
            "NoSuchBucket" => "Make the bucket, or correct its name.",
            "AccessDenied" => "Grant the key reading, writing, listing and deleting in the bucket.",
            _ => "See the server's log.",
        },
        e);

    /// <summary>True for what another attempt may end otherwise: no answer, a broken one, an overloaded server, bytes that were damaged on their way.</summary>
    public static bool IsPassing(Exception e) => e switch
    {
        AmazonServiceException s when s.StatusCode == 0 => true,
        AmazonUnmarshallingException or XmlException => true,
        AmazonServiceException s => (int)s.StatusCode >= 500 || s.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout
            || s.ErrorCode is "SlowDown" or "RequestTimeout" or "OperationAborted" or "ConditionalRequestConflict" or "BadDigest" or "XAmzContentChecksumMismatch" or "XAmzContentSHA256Mismatch" or "IncompleteBody",
        AmazonClientException or HttpRequestException or IOException or TimeoutException => e is not FileNotFoundException and not S3Exception,
        _ => false,
    };

    public static bool IsMissing(AmazonServiceException e) => e.StatusCode == HttpStatusCode.NotFound && e.ErrorCode is not "NoSuchBucket";

    public void Dispose() => _client.Dispose();

    private static bool IsAnswer(AmazonServiceException e) => IsMissing(e) || e.StatusCode == HttpStatusCode.PreconditionFailed;
}

/// <summary>The time that an attempt has left; it begins anew whenever bytes arrive.</summary>
internal sealed class S3Attempt(TimeSpan timeout, TimeProvider time) : IDisposable
{
    private readonly CancellationTokenSource _source = new(timeout, time);

    public CancellationToken Token => _source.Token;

    public void GoesOn() => _source.CancelAfter(timeout);

    public void Dispose() => _source.Dispose();
}
