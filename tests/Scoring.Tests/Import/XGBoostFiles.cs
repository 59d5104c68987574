using System.Text.Json;
using FeatureStore.Scoring.Runtime;

namespace FeatureStore.Scoring.Tests.Import;

/// <summary>Models and answers of libxgboost 1.7.4; see Golden/README.md.</summary>
internal static class XGBoostFiles
{
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "Golden", "xgboost174");

    public static TheoryData<string> Good() => Names(isBad: false);

    public static TheoryData<string> Bad() => Names(isBad: true);

    public static byte[] Read(string file) => File.ReadAllBytes(Path.Combine(Folder, file));

    /// <summary>Recorded as bits, since a float has many texts and one pattern.</summary>
    public static float[] Answers(string model, string kind) => Floats(Open(model).GetProperty(kind));

    public static Tensor Rows()
    {
        var file = Open("rows");
        var columns = file.GetProperty("columns").GetInt32();
        var values = Floats(file.GetProperty("rows"));
        return Tensor.Of("features", [values.Length / columns, columns], values);
    }

    private static JsonElement Open(string name) => JsonDocument.Parse(Read($"{name}.answers")).RootElement;

    private static float[] Floats(JsonElement bits) => [.. bits.EnumerateArray().Select(b => BitConverter.UInt32BitsToSingle(b.GetUInt32()))];

    private static TheoryData<string> Names(bool isBad)
    {
        var data = new TheoryData<string>();
        foreach (var file in Directory.EnumerateFiles(Folder).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal))
        {
            if (Path.GetExtension(file) is ".json" or ".ubj" && file.StartsWith("bad-", StringComparison.Ordinal) == isBad)
            {
                data.Add(file);
            }
        }

        return data;
    }
}
