using System.Security.Cryptography;
using System.Text;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Tables;

namespace FeatureStore.Cli.Composition;

/// <summary>Compares a table's rows in two lakes as sets, since a change that was delivered twice is the same change. A row is known by the hash of all its columns.</summary>
internal static class SameRows
{
    private const int HashBytes = 16;

    /// <returns>Rows that both hold, and rows that either holds.</returns>
    /// <exception cref="DeltaException">A lake has no such table.</exception>
    public static (long Equal, long Total) Compare(Repo one, Repo other, string table, CancellationToken cancellationToken)
    {
        var rows = Rows(one, table, cancellationToken);
        var others = Rows(other, table, cancellationToken);
        var (count, otherCount) = (rows.Count, others.Count);
        rows.IntersectWith(others);
        return (rows.Count, count + otherCount - rows.Count);
    }

    private static HashSet<UInt128> Rows(Repo repo, string path, CancellationToken cancellationToken)
    {
        var table = new LakeTable(repo.Lake.Below(path), LakeOptions.Read(repo.Config));
        return [.. table.Rows(table.Read(null, null, cancellationToken), null, cancellationToken).Select(Hash)];
    }

    private static UInt128 Hash(string row) =>
        System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(row)).AsSpan(0, HashBytes));
}
