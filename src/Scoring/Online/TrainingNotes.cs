using System.Text.Json;
using FeatureStore.Scoring.Store;

namespace FeatureStore.Scoring.Online;

/// <summary>What a model's training says about its scores.</summary>
internal static class TrainingNotes
{
    /// <summary>Where windows of the training ended: <c>snapshot</c>, as served rows do, or <c>label</c>.</summary>
    public const string WindowAt = "window_at";

    private const string AtLabel = "label";

    public static IEnumerable<string> Warnings(ModelManifest manifest)
    {
        if (manifest.Training is { ValueKind: JsonValueKind.Object } training
            && training.TryGetProperty(WindowAt, out var mode) && mode.ValueKind == JsonValueKind.String && mode.GetString() == AtLabel)
        {
            yield return
                $"Model '{manifest.Name}' {manifest.Version} was trained on windows that end at each label, and is scored from rows whose windows ended when they were computed; its scores may be off the more the older a row is. Train on '--window-at snapshot' to match what is served.";
        }
    }
}
