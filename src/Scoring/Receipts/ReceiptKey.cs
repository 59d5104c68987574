using System.Security.Cryptography;
using System.Text;
using Feast.Types;
using FeatureStore.Contract.Keys;
using FeatureStore.Serving.Retrieval;

namespace FeatureStore.Scoring.Receipts;

/// <summary>Hashes entity keys with a secret: a plain hash of an account number is found by trying them all.</summary>
public sealed class ReceiptKey
{
    private const string FileName = "hash.key";
    private const int SecretBytes = 32;
    private const int SecretCharsMin = 16;
    private const int KeyVersion = 3;

    private readonly byte[] _secret;

    private ReceiptKey(byte[] secret) => _secret = secret;

    /// <summary>The secret of the options, or the folder's own, made by the first process that needs one.</summary>
    /// <exception cref="ReceiptException">The secret is too short, or the folder's own cannot be read.</exception>
    public static ReceiptKey Open(ReceiptOptions options)
    {
        if (options.Secret is { } secret)
        {
            return secret.Length >= SecretCharsMin
                ? new ReceiptKey(Encoding.UTF8.GetBytes(secret))
                : throw new ReceiptException($"fstore.receipts.key is shorter than {SecretCharsMin} characters; take a longer one, or leave it out to have one made.");
        }

        var path = Path.Combine(options.Folder, FileName);
        if (!File.Exists(path))
        {
            Make(path);
        }

        var text = File.ReadAllText(path).Trim();
        return text.Length == SecretBytes * 2 && text.All(char.IsAsciiHexDigit)
            ? new ReceiptKey(Convert.FromHexString(text))
            : throw new ReceiptException($"'{path}' is no key of {SecretBytes} bytes in hex; put the right one back. With another one the same entities have other hashes.");
    }

    /// <summary>The hash of the entity in a row.</summary>
    public string Hash(IReadOnlyList<EntityColumn> entities, int row)
    {
        var key = EntityKeyEncoder.Encode([.. entities.Select(e => (e.Name, e.Values[row]))], KeyVersion);
        return Convert.ToHexStringLower(HMACSHA256.HashData(_secret, key));
    }

    /// <summary>The hash of an entity by its join keys.</summary>
    public string Hash(IReadOnlyList<(string JoinKey, Value Value)> keys) => Convert.ToHexStringLower(HMACSHA256.HashData(_secret, EntityKeyEncoder.Encode(keys, KeyVersion)));

    // Whoever comes second finds the first one's: the file appears whole, by one rename that never replaces.
    private static void Make(string path)
    {
        var temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new FileStream(temporary, options))
        {
            file.Write(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes))));
            file.Flush(flushToDisk: true);
        }

        try
        {
            File.Move(temporary, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(temporary);
        }
    }
}
