using System.Text.Json;

namespace FeatureStore.OfflineStore.Tests.Lake.Upkeep;

/// <summary>A Delta table as a plain walk over its commits tells it; nothing is shared with the store's own reader.</summary>
internal sealed class NaiveTable
{
    public Dictionary<string, long> Sizes { get; } = [];

    public Dictionary<string, string> Partitions { get; } = [];

    public Dictionary<string, long> Progress { get; } = [];

    /// <summary>Files that were taken out, with whether a commit said that rows changed.</summary>
    public Dictionary<string, bool> Removed { get; } = [];

    public static NaiveTable Read(string root, int? upTo = null)
    {
        var table = new NaiveTable();
        for (var version = 0; version <= (upTo ?? int.MaxValue); version++)
        {
            var path = Path.Combine(root, "_delta_log", version.ToString("00000000000000000000", System.Globalization.CultureInfo.InvariantCulture) + ".json");
            if (!File.Exists(path))
            {
                break;
            }

            // What a commit takes out goes before what it adds.
            var text = File.ReadAllText(path);
            Assert.EndsWith("}\n", text, StringComparison.Ordinal);
            foreach (var line in text.TrimEnd('\n').Split('\n'))
            {
                using var action = JsonDocument.Parse(line);
                table.Apply(action.RootElement.EnumerateObject().Single());
            }
        }

        return table;
    }

    private void Apply(JsonProperty action)
    {
        switch (action.Name)
        {
            case "remove":
                var gone = Decoded(action.Value);
                Assert.True(Sizes.Remove(gone), $"{gone} is removed and was not live");
                Removed[gone] = action.Value.GetProperty("dataChange").GetBoolean();
                break;
            case "add":
                var path = Decoded(action.Value);
                Assert.False(Sizes.ContainsKey(path) || Removed.ContainsKey(path), $"{path} is used a second time");
                Sizes[path] = action.Value.GetProperty("size").GetInt64();
                Partitions[path] = action.Value.GetProperty("partitionValues").ToString();
                break;
            case "txn":
                Progress[action.Value.GetProperty("appId").GetString()!] = action.Value.GetProperty("version").GetInt64();
                break;
            default:
                Assert.Contains(action.Name, new[] { "commitInfo", "protocol", "metaData" });
                break;
        }
    }

    private static string Decoded(JsonElement body) => Uri.UnescapeDataString(body.GetProperty("path").GetString()!);
}
