using FeatureStore.Scoring.Scores;
using FeatureStore.Scoring.Store;
using FeatureStore.Serving.Retrieval;

namespace FeatureStore.Scoring.Online;

/// <summary>One feature of a model, and where an answer of its service has it.</summary>
internal sealed record BoundFeature(string Name, int Column, ColumnReader Reader, bool TakesAbsent);

/// <summary>A version of a model under one registry, decided once for all calls: the plan that reads its service, and which column feeds what. Immutable.</summary>
internal sealed class ModelBinding
{
    private ModelBinding(PlanCache plans, ModelManifest manifest, RetrievalPlan plan, BoundFeature[] features, string[] warnings)
    {
        Plans = plans;
        Manifest = manifest;
        Plan = plan;
        Features = features;
        Warnings = warnings;
    }

    public PlanCache Plans { get; }

    public ModelManifest Manifest { get; }

    public RetrievalPlan Plan { get; }

    public BoundFeature[] Features { get; }

    public IReadOnlyList<string> Warnings { get; }

    /// <exception cref="RetrievalException">What is served is not what the model was trained on.</exception>
    public static ModelBinding Compile(PlanCache plans, ModelManifest manifest, Scorer scorer)
    {
        var served = Served(plans, manifest);
        if (served.Fingerprint != manifest.Fingerprint)
        {
            throw Refuse(manifest, $"was trained on features with the fingerprint {manifest.Fingerprint}, and {served.Fingerprint} is served. Promote a version that was trained on today's definitions of '{manifest.FeatureService}', or bring the old ones back");
        }

        var features = new BoundFeature[scorer.Features.Count];
        for (var f = 0; f < features.Length; f++)
        {
            var name = scorer.Features[f];
            var column = served.Features.ToList().IndexOf(name);
            if (column < 0)
            {
                throw Refuse(manifest, $"takes the feature '{name}', and '{manifest.FeatureService}' has {string.Join(", ", served.Features)}");
            }

            var reader = ColumnReader.Of(served.Types[column]) ?? throw Refuse(manifest, $"takes the feature '{name}', which is {served.Types[column]}; models take numbers, truth values and texts");
            features[f] = new BoundFeature(name, column, reader, scorer.TakesAbsent(f));
        }

        return new ModelBinding(plans, manifest, plans.Service(manifest.FeatureService), features, [.. TrainingNotes.Warnings(manifest)]);
    }

    private static ServedFeatures Served(PlanCache plans, ModelManifest manifest)
    {
        try
        {
            return ServedFeatures.Of(plans.Snapshot, manifest.FeatureService);
        }
        catch (ModelStoreException e)
        {
            throw new RetrievalException(RetrievalFault.ModelRefused, e.Message);
        }
    }

    private static RetrievalException Refuse(ModelManifest manifest, string what) =>
        new(RetrievalFault.ModelRefused, $"Model '{manifest.Name}' {manifest.Version} {what}.");
}
