using System.Text.Json;
using System.Text.Json.Nodes;
using FeatureStore.Registry.Configuration;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Registry.Tests.Sql;
using Google.Protobuf;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Tests.Files;

/// <summary>Registries as the newest Feast wrote them: read whole, written back to the same meaning, and compiled to what 0.66's compile to.</summary>
public sealed class RecordedRegistryTests
{
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    [Fact]
    public void File_OfFeast067_SaysTheSameAfterARewrite()
    {
        var recorded = JsonNode.Parse(File.ReadAllText(Golden("bank_features_after_materialize_registry_0.67.json")))!;
        var registry = JsonParser.Default.Parse<RegistryProto>(recorded.ToJsonString());
        using var repo = new TestRepo();
        Directory.CreateDirectory(Path.GetDirectoryName(repo.RegistryPath)!);
        File.WriteAllBytes(repo.RegistryPath, registry.ToByteArray());

        // Written by us: another range of one view, and nothing else.
        repo.OpenRegistry().RecordInterval("bank_features", "user_demographics", repo.Time.Now.AddDays(-1), repo.Time.Now, CancellationToken.None);
        var written = repo.OpenRegistry().Load();
        var meta = written.FeatureViews.Single(v => v.Spec.Name == "user_demographics").Meta;
        meta.MaterializationIntervals.RemoveAt(meta.MaterializationIntervals.Count - 1);
        meta.LastUpdatedTimestamp = registry.FeatureViews.Single(v => v.Spec.Name == "user_demographics").Meta.LastUpdatedTimestamp;
        (written.VersionId, written.LastUpdated) = (registry.VersionId, registry.LastUpdated);
        Same(recorded, JsonNode.Parse(Formatter.Format(written))!, "$");
    }

    [Fact]
    public void File_OfFeast067_CompilesToWhatThatOf066Does()
    {
        var registry = JsonParser.Default.Parse<RegistryProto>(File.ReadAllText(Golden("bank_features_after_materialize_registry_0.67.json")));
        using var repo = new TestRepo();
        repo.TakeGolden("bank_features_after_materialize_registry.db");
        var (old, next) = (Compile(repo.OpenRegistry().Load(), repo.LoadConfig()), Compile(registry, repo.LoadConfig()));
        Assert.Equal(old, next);
        Assert.Contains("fraud_v1", next, StringComparison.Ordinal);
    }

    [Fact]
    public void SqlRows_OfFeast067_MeanTheirJson()
    {
        var compared = 0;
        foreach (var (table, row) in RecordedTables.PostgresRows())
        {
            foreach (var (key, json) in row.Where(c => c.Key.EndsWith("_json", StringComparison.Ordinal)))
            {
                var bytes = Convert.FromBase64String(row[key.Replace("_json", "_base64", StringComparison.Ordinal)]!.GetValue<string>());
                var message = RecordedTables.Message(table, bytes);
                Same(json!, JsonNode.Parse(Formatter.Format(message))!, $"{table}.{key}");
                Assert.Equal(message.CalculateSize(), bytes.Length);
                compared++;
            }
        }

        Assert.True(compared >= 4, $"only {compared} rows were compared");
    }

    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", name);

    // Paths, times and ids are of the recording's day.
    private static string Compile(RegistryProto registry, RepoConfig config)
    {
        var snapshot = SnapshotCompiler.Compile(registry, config);
        return JsonSerializer.Serialize(new
        {
            Views = snapshot.FeatureViews.Values.OrderBy(v => v.Name, StringComparer.Ordinal)
                .Select(v => new { v.Name, v.JoinKeys, v.Features, v.Ttl, v.Online, v.StreamSource, v.State, v.Disabled, v.VersionNumber, Source = v.Source with { Path = string.Empty } }),
            Services = snapshot.FeatureServices.Values,
            Entities = snapshot.EntityJoinKeys.OrderBy(e => e.Key, StringComparer.Ordinal),
            OnDemand = snapshot.OnDemandFeatureViews.Values,
            Push = snapshot.PushSources.Values.Select(p => new { p.Name, p.Views }),
        });
    }

    private static string InFolder(JsonNode node) => node.ToString().StartsWith("/repo/", StringComparison.Ordinal) ? Path.GetFileName(node.ToString()) : node.ToString();

    /// <summary>The same JSON, whatever the order of members.</summary>
    private static void Same(JsonNode expected, JsonNode actual, string path)
    {
        switch (expected, actual)
        {
            case (JsonObject one, JsonObject two):
                Assert.True(one.Select(m => m.Key).ToHashSet().SetEquals(two.Select(m => m.Key)), $"{path}: {string.Join(", ", one.Select(m => m.Key))} against {string.Join(", ", two.Select(m => m.Key))}");
                foreach (var (name, value) in one)
                {
                    Same(value!, two[name]!, $"{path}.{name}");
                }

                break;
            case (JsonArray one, JsonArray two):
                Assert.True(one.Count == two.Count, $"{path}: {one.Count} items against {two.Count}");
                for (var i = 0; i < one.Count; i++)
                {
                    Same(one[i]!, two[i]!, $"{path}[{i}]");
                }

                break;
            default:
                // The recording's own folders were rewritten in the JSON.
                Assert.True(InFolder(expected) == InFolder(actual), $"{path}: {expected} against {actual}");
                break;
        }
    }
}
