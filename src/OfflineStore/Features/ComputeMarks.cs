using System.Text.Json;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;

namespace FeatureStore.OfflineStore.Features;

/// <summary>
/// Up to which version of the change table the rows of each feature time are true. Kept in a file beside the feature table, written after its commit:
/// what a broken run did not note is computed once more. Readers of the folder leave the file alone for its underscore.
/// </summary>
/// <param name="SourceId">Identity of the change table; another one's versions mean nothing.</param>
/// <param name="TableVersion">Version of the feature table that the marks were written for; an older table was restored, and is not what they say.</param>
/// <param name="Times">Feature time, microseconds since the epoch, to version.</param>
internal sealed record ComputeMarks(string SourceId, long TableVersion, IReadOnlyDictionary<long, long> Times)
{
    private const string FileName = "_fstore_computed.json";

    /// <summary>The marks of a feature table, or null if there are none for this change table that can be trusted.</summary>
    public static ComputeMarks? Read(LakePlace root, DeltaSnapshot source, DeltaSnapshot? table)
    {
        try
        {
            var marks = JsonSerializer.Deserialize<ComputeMarks>(root.Read(FileName));
            return marks is { SourceId: not null, Times: not null } && marks.SourceId == source.Metadata.Id && marks.TableVersion <= (table?.Version ?? -1)
                && marks.Times.Values.All(v => v <= source.Version) ? marks : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException or NotSupportedException)
        {
            return null; // A damaged file costs a computation of all.
        }
    }

    /// <summary>Notes that the rows of some times are true up to the source's version.</summary>
    /// <param name="before">The marks that hold for the other times.</param>
    public static void Note(LakePlace root, DeltaSnapshot source, long? tableVersion, IEnumerable<long> times, ComputeMarks? before)
    {
        if (tableVersion is not { } version)
        {
            return; // There is no table yet, so nothing that could become untrue.
        }

        var all = before?.Times.ToDictionary() ?? [];
        foreach (var time in times)
        {
            all[time] = source.Version;
        }

        root.Put(FileName, JsonSerializer.SerializeToUtf8Bytes(new ComputeMarks(source.Metadata.Id, version, all)));
    }
}
