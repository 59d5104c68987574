using System.Globalization;
using System.Text.RegularExpressions;
using FeatureStore.Scoring.Import;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Onnx;
using FeatureStore.Scoring.Scores;

namespace FeatureStore.Scoring.Store;

/// <summary>
/// Models in a folder: <c>NAME/VERSION/</c> holds the ONNX file, what it was made from and the manifest; <c>NAME/live.json</c> says which version is live. A version appears whole by one rename and is never
/// changed; going live is one rename too. So the process may end anywhere: at worst a folder that begins with a dot is left, and the next <see cref="Add"/> removes it.
/// </summary>
public sealed partial class ModelStore(string root, TimeProvider time, ModelLimits? limits = null)
{
    private const string ModelFileName = "model.onnx";
    private const string IncomingPrefix = ".incoming-";
    private const string LockFileName = ".lock";
    private const string NamePattern = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";

    private readonly ModelLimits _limits = limits ?? ModelLimits.Default;

    /// <summary>Checks a model, converts it if needed, and keeps it. It is not live by that.</summary>
    /// <exception cref="ModelRefusedException">The file or its plan is bad; nothing is kept.</exception>
    /// <exception cref="ModelStoreException">The version exists, a name is impossible, or another process is adding.</exception>
    public ModelManifest Add(ModelSubmission submission)
    {
        var folder = FolderOf(submission.Name);
        if (string.IsNullOrWhiteSpace(submission.FeatureService) || string.IsNullOrWhiteSpace(submission.Fingerprint))
        {
            throw new ModelStoreException("A model needs the name of its feature service and the fingerprint of the definitions that it was trained on.");
        }

        var format = ModelFormats.Of(submission.Path);
        var source = ModelLoader.Read(submission.Path, _limits);
        var onnx = format == ModelFormat.Onnx
            ? OnnxFile.AsOneFile(source, Path.GetDirectoryName(Path.GetFullPath(submission.Path))!, _limits)
            : ModelImporter.ToOnnx(source, format, _limits);
        using var scorer = Scorer.Create(ModelLoader.Load(onnx, folder: null, _limits), submission.Plan, submission.ServedFeatures);
        if (submission.ServedFeatures.Count > 0 && scorer.Features.Except(submission.ServedFeatures).FirstOrDefault() is { } stranger)
        {
            throw new ModelRefusedException(
                $"The model needs the feature '{stranger}', and '{submission.FeatureService}' serves {string.Join(", ", submission.ServedFeatures)}. If it is the label, list it among the unused inputs.");
        }

        ProbeRun.Check(scorer);

        Directory.CreateDirectory(folder);
        using var guard = Lock(folder);
        RemoveOrphans(folder);
        var version = submission.Version ?? NextVersion(folder);
        var target = VersionFolder(submission.Name, version);
        if (Directory.Exists(target))
        {
            throw new ModelStoreException($"Model '{submission.Name}' has a version '{version}' already; versions are never changed. Give another one.");
        }

        var manifest = new ModelManifest(
            submission.Name, version, time.GetUtcNow(), format, ModelLoader.Hash(source), new ModelFile(ModelFileName, onnx.Length, ModelLoader.Hash(onnx)),
            submission.FeatureService, submission.Fingerprint, submission.Plan with { Features = scorer.Features },
            [.. scorer.Signature.Inputs.Select(i => i.ToString())], [.. scorer.Outputs], submission.Training, submission.Metrics);
        var incoming = Path.Combine(folder, $"{IncomingPrefix}{Guid.NewGuid():N}");
        Directory.CreateDirectory(incoming);
        DurableFile.Write(Path.Combine(incoming, ModelFileName), onnx);
        if (format != ModelFormat.Onnx)
        {
            DurableFile.Write(Path.Combine(incoming, $"source{Path.GetExtension(submission.Path).ToLowerInvariant()}"), source);
        }

        foreach (var (name, bytes) in submission.Attachments)
        {
            DurableFile.Write(Path.Combine(incoming, Named(name, "name of an attachment")), bytes);
        }

        DurableFile.Write(Path.Combine(incoming, ModelManifest.FileName), manifest.ToBytes());
        Directory.Move(incoming, target);
        return manifest;
    }

    /// <summary>All versions of all models, or of one, by name and age.</summary>
    public IReadOnlyList<ModelListing> List(string? name = null)
    {
        var folders = name is not null ? [FolderOf(name)] : Directory.Exists(root) ? Directory.EnumerateDirectories(root).Order(StringComparer.Ordinal) : Enumerable.Empty<string>();
        var listings = new List<ModelListing>();
        foreach (var folder in folders.Where(Directory.Exists))
        {
            var live = LivePointer.Read(folder)?.Version;
            listings.AddRange(Versions(folder).Select(v => ModelManifest.Read(Path.Combine(folder, v, ModelManifest.FileName))).OrderBy(m => m.Created).Select(m => new ModelListing(m, m.Version == live)));
        }

        return listings;
    }

    /// <param name="version">Null for the live one.</param>
    /// <exception cref="ModelStoreException">There is no such model or version, or none is live.</exception>
    public ModelManifest Show(string name, string? version = null)
    {
        version ??= LiveVersion(name) ?? throw new ModelStoreException($"No version of model '{name}' is live; promote one: fstore models promote {name} VERSION.");
        var path = Path.Combine(VersionFolder(name, version), ModelManifest.FileName);
        return File.Exists(path)
            ? ModelManifest.Read(path)
            : throw new ModelStoreException($"Model '{name}' has no version '{version}'; it has {(Directory.Exists(FolderOf(name)) ? string.Join(", ", Versions(FolderOf(name))) : "none")}.");
    }

    /// <summary>Names of all models, with and without a live version.</summary>
    public IReadOnlyList<string> Names() => Directory.Exists(root) ? [.. Directory.EnumerateDirectories(root).Select(d => Path.GetFileName(d)!).Where(n => GoodName().IsMatch(n)).Order(StringComparer.Ordinal)] : [];

    /// <summary>Cheap to ask, and another text whenever a version was made live; null where none is.</summary>
    public string? LiveStamp(string name)
    {
        var file = new FileInfo(Path.Combine(FolderOf(name), LivePointer.FileName));
        return file.Exists ? string.Create(CultureInfo.InvariantCulture, $"{file.LastWriteTimeUtc.Ticks} {file.Length}") : null;
    }

    /// <summary>The live version; null where none is.</summary>
    public string? LiveVersion(string name) => LivePointer.Read(FolderOf(name))?.Version;

    /// <summary>Makes a version live after it was loaded and run once. A version that does not load leaves the old one live.</summary>
    /// <param name="servedFingerprint">Fingerprint of what is served now.</param>
    /// <exception cref="ModelRefusedException">The version cannot be used.</exception>
    public ModelManifest Promote(string name, string version, string servedFingerprint) =>
        SetLive(name, current => current is null ? new LivePointer(version, []) : current.Promote(version), _ => servedFingerprint);

    /// <summary>Makes the version live that was so before.</summary>
    /// <param name="servedFingerprint">From the name of a feature service to the fingerprint of what it serves now: which one the earlier version had, the store knows.</param>
    /// <exception cref="ModelRefusedException">That version cannot be used any more.</exception>
    /// <exception cref="ModelStoreException">There was none.</exception>
    public ModelManifest Rollback(string name, Func<string, string> servedFingerprint) =>
        SetLive(name, current => current?.Back() ?? throw new ModelStoreException($"Model '{name}' has no version that was live before."), servedFingerprint);

    /// <summary>Loads a version: its hash must be the recorded one, and the served definitions those that it was trained on.</summary>
    /// <param name="version">Null for the live one.</param>
    /// <exception cref="ModelRefusedException">The file was changed, or the features are not those of the training.</exception>
    public Scorer Open(string name, string servedFingerprint, string? version = null)
    {
        var manifest = Show(name, version);
        if (!string.Equals(manifest.Fingerprint, servedFingerprint, StringComparison.Ordinal))
        {
            throw new ModelRefusedException(
                $"Model '{name}' {manifest.Version} was trained on features with the fingerprint {manifest.Fingerprint}, and {servedFingerprint} is served. Train it on today's definitions of '{manifest.FeatureService}', or bring the old ones back.");
        }

        return Load(manifest);
    }

    /// <summary>Loads a version whatever is served now, for running again what it decided: only its hash is checked.</summary>
    /// <exception cref="ModelRefusedException">The file was changed.</exception>
    public Scorer OpenAsTrained(string name, string version) => Load(Show(name, version));

    [GeneratedRegex($"^{NamePattern}$", RegexOptions.CultureInvariant)]
    private static partial Regex GoodName();

    private static string Named(string name, string what) => GoodName().IsMatch(name) && name != LivePointer.FileName && !name.EndsWith('\n')
        ? name
        : throw new ModelStoreException($"'{name}' is no {what}; take 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit.");

    private static IEnumerable<string> Versions(string folder) => Directory.EnumerateDirectories(folder).Select(d => Path.GetFileName(d)!).Where(n => GoodName().IsMatch(n)).Order(StringComparer.Ordinal);

    private static string NextVersion(string folder) =>
        (Versions(folder).Max(v => int.TryParse(v, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : (int?)0).GetValueOrDefault() + 1).ToString(CultureInfo.InvariantCulture);

    /// <summary>A lock of the operating system on a file: it ends with the process, however that ends.</summary>
    private static FileStream Lock(string folder)
    {
        try
        {
            return new FileStream(Path.Combine(folder, LockFileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new ModelStoreException($"Another process is changing '{folder}'; try again when it is done.", e);
        }
    }

    private static void RemoveOrphans(string folder)
    {
        foreach (var orphan in Directory.EnumerateDirectories(folder, $"{IncomingPrefix}*"))
        {
            Directory.Delete(orphan, recursive: true);
        }

        foreach (var orphan in Directory.EnumerateFiles(folder, "*.tmp"))
        {
            File.Delete(orphan);
        }
    }

    private ModelManifest SetLive(string name, Func<LivePointer?, LivePointer> change, Func<string, string> servedFingerprint)
    {
        var folder = FolderOf(name);
        if (!Directory.Exists(folder))
        {
            throw new ModelStoreException($"There is no model '{name}'; add it first.");
        }

        using var guard = Lock(folder);
        var pointer = change(LivePointer.Read(folder));
        var manifest = Show(name, pointer.Version);
        using (var scorer = Open(name, servedFingerprint(manifest.FeatureService), pointer.Version))
        {
            ProbeRun.Check(scorer);
        }

        pointer.Write(folder);
        return manifest;
    }

    private Scorer Load(ModelManifest manifest) =>
        Scorer.Create(ModelLoader.Load(Path.Combine(VersionFolder(manifest.Name, manifest.Version), ModelFileName), manifest.Model.Sha256, _limits), manifest.Plan);

    /// <summary>The folder of a version.</summary>
    public string FolderOf(string name, string version) => VersionFolder(name, version);

    private string FolderOf(string name) => Path.Combine(root, Named(name, "name of a model"));

    private string VersionFolder(string name, string version) => Path.Combine(FolderOf(name), Named(version, "version"));
}
