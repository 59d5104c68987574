using System.Globalization;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Runtime;
using FeatureStore.Scoring.Scores;
using FeatureStore.Scoring.Store;
using Google.Protobuf;
using static FeatureStore.Scoring.Tests.Onnx.OnnxModels;

namespace FeatureStore.Scoring.Tests.Onnx;

public sealed class ExternalDataTests : IDisposable
{
    private static readonly float[] Weights = [1, 2, 3, 4, 5, 6, 7];

    private readonly string _folder = Directory.CreateTempSubdirectory("fstore-external-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Load_WeightsBesideTheModel_AreTakenIn()
    {
        var path = Write(("location", "w.bin"), ("offset", "4"), ("length", "28"));
        using var model = ModelLoader.Load(path);
        Assert.Equal(Weights, model.Run([Tensor.Of("x", [1, 7], new float[7])], ["y"])[0].Span<float>().ToArray());
    }

    [Fact]
    public void Add_WeightsBesideTheModel_BecomesOneFile()
    {
        var path = Write(("location", "w.bin"), ("offset", "4"));
        var store = new ModelStore(Path.Combine(_folder, "models"), TimeProvider.System);
        var added = store.Add(new ModelSubmission("m", path, "s", "f") { Plan = new ScoringPlan { Features = ["a", "b", "c", "d", "e", "f", "g"] } });
        File.Delete(Path.Combine(_folder, "w.bin"));
        Assert.NotEqual(added.SourceSha256, added.Model.Sha256);
        using var scorer = store.Open("m", "f", "1");
        Assert.Equal(Weights, scorer.Score([.. scorer.Features.Select(f => FeatureColumn.Of(f, [0.0]))]).Outputs[0].Span<float>().ToArray());
    }

    [Theory]
    [InlineData("location", "../w.bin", "own folder")]
    [InlineData("location", "/etc/hostname", "own folder")]
    [InlineData("location", "..", "own folder")]
    [InlineData("location", "sub/w.bin", "own folder")]
    [InlineData("location", "", "own folder")]
    [InlineData("location", "absent.bin", "is not beside the model")]
    [InlineData("location", "link.bin", "is a link")]
    [InlineData("offset", "-4", "no number")]
    [InlineData("offset", "400", "which has 32")]
    [InlineData("length", "400", "which has 32")]
    [InlineData("length", "9999999999999999999", "no number")]
    public void Load_WeightsThatLieElsewhere_AreRefused(string key, string value, string told)
    {
        var entries = new Dictionary<string, string> { ["location"] = "w.bin", ["offset"] = "4", [key] = value };
        var refusal = Assert.Throws<ModelRefusedException>(() => ModelLoader.Load(Write([.. entries.Select(e => (e.Key, e.Value))])));
        Assert.Contains(told, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_WeightsOverTheLimit_AreRefused()
    {
        var path = Write(("location", "w.bin"), ("offset", "4"));
        var limit = new FileInfo(path).Length + 27;
        Assert.Throws<ModelRefusedException>(() => ModelLoader.Load(path, limits: new ModelLimits { FileBytesMax = limit }));
        ModelLoader.Load(path, limits: new ModelLimits { FileBytesMax = limit + 1 }).Dispose();
    }

    [Fact]
    public void Load_BytesWithoutAFolder_AreRefused()
    {
        var bytes = File.ReadAllBytes(Write(("location", "w.bin")));
        Assert.Throws<ModelRefusedException>(() => ModelLoader.Load(bytes, folder: null, ModelLimits.Default));
    }

    /// <summary>A model that adds seven weights, which begin at the fourth byte of w.bin.</summary>
    private string Write(params (string Key, string Value)[] entries)
    {
        var data = new byte[sizeof(float) * (Weights.Length + 1)];
        Buffer.BlockCopy(Weights, 0, data, sizeof(float), data.Length - sizeof(float));
        File.WriteAllBytes(Path.Combine(_folder, "w.bin"), data);
        File.CreateSymbolicLink(Path.Combine(_folder, "link.bin"), Path.Combine(_folder, "w.bin"));
        var path = Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{Guid.NewGuid():N}.onnx"));
        File.WriteAllBytes(path, Of(Node("Add", ["x", "w"])).With(External("w", [7], entries)).ToByteArray());
        return path;
    }
}
