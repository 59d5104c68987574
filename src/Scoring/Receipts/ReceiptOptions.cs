namespace FeatureStore.Scoring.Receipts;

/// <summary>Where receipts are kept, and how many.</summary>
/// <param name="Folder">Made when it is not there.</param>
/// <param name="Secret">Key of the hash of entity keys; null makes one and keeps it in the folder.</param>
/// <param name="FileBytesMax">A file that has grown beyond this is followed by another.</param>
/// <param name="FilesMax">The oldest file beyond this number is removed.</param>
public sealed record ReceiptOptions(string Folder, string? Secret = null, long FileBytesMax = 64L << 20, int FilesMax = 64)
{
    /// <summary>A request whose receipt would be larger is refused.</summary>
    public const int ReceiptBytesMax = 64 << 20;
}

/// <summary>A receipt cannot be written, read or found; the message says which and why.</summary>
public sealed class ReceiptException(string message, Exception? cause = null) : Exception(message, cause);
