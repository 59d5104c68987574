using FeatureStore.OfflineStore.PointInTime;

namespace FeatureStore.OfflineStore.DataSets;

/// <summary>A manifest read to make its data set again: the same labels, rules and versions of tables.</summary>
public sealed class DataSetReplay
{
    private readonly string _path;
    private readonly DataSetManifest _manifest;

    private DataSetReplay(string path, DataSetManifest manifest) => (_path, _manifest) = (path, manifest);

    /// <summary>Reads the manifest of a data set, named by it or by the data.</summary>
    /// <exception cref="LabelException">There is none, or it is damaged.</exception>
    public static DataSetReplay Read(string path)
    {
        var target = DataSetTarget.Existing(path);
        return new DataSetReplay(target.ManifestPath, DataSetManifest.Read(target.ManifestPath));
    }

    /// <summary>The request that made it.</summary>
    /// <param name="labels">Where the file of labels lies now; null if it is where it was.</param>
    /// <exception cref="LabelException">The labels are not the ones that were joined.</exception>
    public TrainingRequest Request(string? labels)
    {
        var query = _manifest.Query;
        var path = labels ?? query.Labels;
        if (path is not null && query.LabelsSha256 is { } sha256 && File.Exists(path) && DataSetWriter.Hash(path) != sha256)
        {
            throw new LabelException($"{path} is not the file of labels that {_path} was made from (SHA-256 {sha256}); name that one with --labels.");
        }

        return new TrainingRequest(
            new LabelInput(path, query.LabelsSql, query.TimeColumn),
            query.Features,
            query.FeatureService,
            query.FullFeatureNames,
            new JoinRules(
                query.Policy == "feast",
                query.KnownTime == "event" ? KnownTime.Event : KnownTime.Commit,
                TimeSpan.FromSeconds(query.AvailableAfterSeconds),
                query.WindowAt == "label" ? WindowAt.Label : WindowAt.Snapshot),
            _manifest.Tables.Where(t => t.Version is not null).ToDictionary(t => t.Path, t => t.Version!.Value));
    }

    /// <summary>Sees that what was made now has the bytes of then.</summary>
    /// <exception cref="LabelException">It has not; the message says what changed.</exception>
    public void EnsureSame(DataSetManifest made, DataSetTarget target)
    {
        if (made.Files.Select(f => f.Sha256).SequenceEqual(_manifest.Files.Select(f => f.Sha256)))
        {
            return;
        }

        var plain = made.Tables.Where(t => t.Files is not null).FirstOrDefault(t => !t.Files!.SequenceEqual(_manifest.Tables.FirstOrDefault(o => o.Path == t.Path)?.Files ?? []));
        var why = made.Definitions != _manifest.Definitions ? "the definitions of its views have changed since; restore them with the registry of then"
            : plain is not null ? $"{plain.Path} is plain Parquet without versions, and its files have changed"
            : made.Engine != _manifest.Engine ? $"it was written by {_manifest.Engine}, and this is {made.Engine}"
            : target.Format != DataSetTarget.Existing(_path).Format ? "it was written in another format; name an --output of the same kind"
            : "the query of its labels gave other rows";
        throw new LabelException($"{target.Path} was written, and is not the data set of {_path}: {why}.");
    }
}
