using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Runtime;
using FeatureStore.Scoring.Tests.Cases;

namespace FeatureStore.Scoring.Tests.Runtime;

public sealed class ModelSessionTests
{
    [Fact]
    public void Run_OptionalInput_TakesTheFilesValueOrAnother()
    {
        using var model = GoldenCase.Open("optional-input-initializer").Load();
        var optional = Assert.Single(model.Signature.OptionalInputs);
        var rows = Tensor.Of("x", [1, 7], new float[7]);
        var own = model.Run([rows], ["probability"])[0].Span<float>()[0];
        var other = model.Run([rows, Tensor.Of(optional.Name, optional.Dimensions, new float[optional.Dimensions.Aggregate(1L, (a, d) => a * d)])], ["probability"])[0].Span<float>()[0];
        Assert.NotEqual(own, other);
        Assert.Equal(0.5f, other);
        Assert.Throws<ScoreRequestException>(() => model.Run([rows, Tensor.Of(optional.Name, [3, 3], new float[9])], ["probability"]));
    }

    [Fact]
    public void Run_InputOrOutputTwice_IsRefused()
    {
        using var model = GoldenCase.Open("lr-vector").Load();
        var rows = Tensor.Of("features", [1, 7], new float[7]);
        Assert.Contains("twice", Assert.Throws<ScoreRequestException>(() => model.Run([rows, rows], ["label"])).Message, StringComparison.Ordinal);
        Assert.Contains("twice", Assert.Throws<ScoreRequestException>(() => model.Run([rows], ["label", "label"])).Message, StringComparison.Ordinal);
        Assert.Throws<ScoreRequestException>(() => model.Run([rows], []));
    }

    [Fact]
    public void Of_ShapeThatDoesNotHoldTheValues_Throws()
    {
        Assert.Throws<ArgumentException>(() => Tensor.Of("x", [2, 7], new float[7]));
        Assert.Throws<ArgumentException>(() => Tensor.Of("x", [-1, 7], new float[7]));
        Assert.Throws<ArgumentException>(() => Tensor.Of("x", [1], new decimal[1]));
    }

    [Fact]
    public void Load_NameOfNoFormatOrNoFile_IsRefused()
    {
        Assert.Contains("ConvertToOnnx", Assert.Throws<ModelRefusedException>(() => ModelLoader.Load("model.zip")).Message, StringComparison.Ordinal);
        Assert.Contains("no file", Assert.Throws<ModelRefusedException>(() => ModelLoader.Load("absent.onnx")).Message, StringComparison.Ordinal);
    }
}
