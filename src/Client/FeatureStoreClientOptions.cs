using System.Security.Cryptography.X509Certificates;

namespace FeatureStore.Client;

/// <summary>Settings of a <see cref="FeatureStoreClient"/>. They are read once, when the client is made.</summary>
public sealed class FeatureStoreClientOptions
{
    internal const int RetryAttemptsMax = 10;
    internal const int MebiByte = 1024 * 1024;

    /// <summary>The server: <c>http://host:port</c>, or <c>https://host:port</c> for TLS.</summary>
    public Uri Target { get; set; } = new("http://localhost:6567");

    /// <summary>How long one query may take in all, retries and batches included; null waits for ever.</summary>
    public TimeSpan? Deadline { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>What is tried again when the server answers UNAVAILABLE or cannot be reached; reads are safe to repeat.</summary>
    public RetryOptions Retry { get; set; } = RetryOptions.Default;

    /// <summary>Entity rows sent in one call; a query with more is split, and the answers are joined in order.</summary>
    public int BatchRowsMax { get; set; } = 1_000;

    /// <summary>Calls of one query that run at once.</summary>
    public int BatchesInFlightMax { get; set; } = 4;

    /// <summary>Largest answer taken, in bytes.</summary>
    public int ReceiveBytesMax { get; set; } = 16 * MebiByte;

    /// <summary>Whether requests are sent gzip-compressed. Answers are decompressed in either case.</summary>
    public bool CompressRequests { get; set; }

    /// <summary>Certificates for an <c>https</c> target; null trusts what the system trusts and shows no certificate.</summary>
    public TlsOptions? Tls { get; set; }

    /// <summary>Every fault of these settings; empty if they can be used.</summary>
    internal IReadOnlyList<string> Faults()
    {
        var faults = new List<string>();
        if (Target is not { IsAbsoluteUri: true, Scheme: "http" or "https" })
        {
            faults.Add($"Target is '{Target}'; write http://host:port or https://host:port.");
        }

        if (Tls is not null && Target is { IsAbsoluteUri: true, Scheme: "http" })
        {
            faults.Add($"Tls is set and Target is '{Target}'; write https://host:port.");
        }

        if (Deadline <= TimeSpan.Zero)
        {
            faults.Add($"Deadline is {Deadline}; write a time above zero, or null to wait for ever.");
        }

        foreach (var (name, value) in new[]
        {
            (nameof(BatchRowsMax), BatchRowsMax), (nameof(BatchesInFlightMax), BatchesInFlightMax), (nameof(ReceiveBytesMax), ReceiveBytesMax),
        })
        {
            if (value < 1)
            {
                faults.Add($"{name} is {value}; write 1 or more.");
            }
        }

        if (Retry is null)
        {
            faults.Add($"Retry is null; write {nameof(RetryOptions)}.{nameof(RetryOptions.None)} to try once.");
        }
        else
        {
            faults.AddRange(Retry.Faults());
        }

        return faults;
    }
}

/// <summary>How often, and after which pause, a call is tried again that was answered UNAVAILABLE.</summary>
/// <param name="AttemptsMax">Tries in all, the first included: 1 to 10.</param>
/// <param name="InitialBackoff">Greatest pause before the second try; the real one is drawn at random below it.</param>
/// <param name="MaxBackoff">Bound of the pause.</param>
/// <param name="BackoffMultiplier">By what the pause grows with each try.</param>
public sealed record RetryOptions(int AttemptsMax, TimeSpan InitialBackoff, TimeSpan MaxBackoff, double BackoffMultiplier)
{
    /// <summary>Four tries with pauses below 50, 100 and 200 ms.</summary>
    public static RetryOptions Default { get; } = new(4, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1), 2);

    /// <summary>One try.</summary>
    public static RetryOptions None { get; } = Default with { AttemptsMax = 1 };

    internal IEnumerable<string> Faults()
    {
        if (AttemptsMax is < 1 or > FeatureStoreClientOptions.RetryAttemptsMax)
        {
            yield return $"Retry.AttemptsMax is {AttemptsMax}; write 1 to {FeatureStoreClientOptions.RetryAttemptsMax}.";
        }

        if (InitialBackoff <= TimeSpan.Zero || MaxBackoff < InitialBackoff)
        {
            yield return $"Retry pauses from {InitialBackoff} to {MaxBackoff}; write a first pause above zero and a bound no shorter.";
        }

        if (!(BackoffMultiplier >= 1) || double.IsInfinity(BackoffMultiplier))
        {
            yield return $"Retry.BackoffMultiplier is {BackoffMultiplier}; write 1 or more.";
        }
    }
}

/// <summary>Certificates of a TLS connection.</summary>
/// <param name="RootCertificates">Authorities that may have signed the server's certificate; null means the system's.</param>
/// <param name="ClientCertificate">Shown to a server that asks for one (mTLS), with its private key; null shows none.</param>
public sealed record TlsOptions(X509Certificate2Collection? RootCertificates = null, X509Certificate2? ClientCertificate = null);
