using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Runtime;

namespace FeatureStore.Scoring.Tests.Cases;

public sealed class GoldenCaseTests
{
    public static TheoryData<string> GoodOnnx() => GoldenCase.Names(c => c is { Format: "onnx", Expect: "ok" });

    public static TheoryData<string> GoodTrees() => GoldenCase.Names(c => c is { Format: "xgboost" or "lightgbm", Expect: "ok" });

    public static TheoryData<string> XGBoostMargins() => GoldenCase.Names(c => c is { Format: "xgboost", Expect: "ok" or "ok-or-refuse" } && c.Outputs.Any(o => o.GetProperty("name").GetString() == "margin"));

    public static TheoryData<string> RightOrRefused() => GoldenCase.Names(c => c.Expect == "ok-or-refuse");

    public static TheoryData<string> RefusedAtLoad() => GoldenCase.Names(c => c.Expect is "load-error" or "must-refuse");

    public static TheoryData<string> RefusedAtRun() => GoldenCase.Names(c => c.Expect == "run-error");

    public static TheoryData<string> Changed() => GoldenCase.Names(c => c.Expect == "hash-mismatch");

    public static TheoryData<string> Edges() => GoldenCase.Names(c => c.Expect == "ok-or-error");

    [Theory]
    [MemberData(nameof(GoodOnnx))]
    public void Run_OnnxModel_GivesTheRecordedOutputs(string name)
    {
        var golden = GoldenCase.Open(name);
        using var model = golden.Load();
        string[] names = [.. golden.Outputs.Select(o => o.GetProperty("name").GetString()!)];
        var outputs = golden.IsRunRowByRow ? Batches.RunRowByRow(model, golden.Inputs(), names) : model.Run(golden.Inputs(), names);
        foreach (var (expected, actual) in golden.Outputs.Zip(outputs))
        {
            Expected.Same(expected, actual);
        }
    }

    [Theory]
    [MemberData(nameof(GoodOnnx))]
    public void Signature_OnnxModel_IsWhatTheFileDeclares(string name)
    {
        var golden = GoldenCase.Open(name);
        using var model = golden.Load();
        Assert.Equal(golden.InputElements.Select(i => i.GetProperty("name").GetString()!).Order(), model.Signature.Inputs.Select(i => i.Name).Order());
        foreach (var input in golden.InputElements)
        {
            var port = model.Signature.Input(input.GetProperty("name").GetString()!)!;
            Assert.Equal(input.GetProperty("type").GetString(), port.Type.ToString(), ignoreCase: true);
            Assert.Equal(input.GetProperty("declared_shape").EnumerateArray().Select(Batches.Dimension), port.Dimensions);
        }
    }

    [Theory]
    [MemberData(nameof(GoodTrees))]
    public void Run_TreeLibrarysOwnFile_GivesItsPredictions(string name) => AssertTrees(GoldenCase.Open(name));

    /// <summary>The sum is XGBoost's own, addition by addition; only the link function may round otherwise.</summary>
    [Theory]
    [MemberData(nameof(XGBoostMargins))]
    public void Run_XGBoostFile_GivesItsMarginsBitForBit(string name)
    {
        var golden = GoldenCase.Open(name);
        using var model = golden.Load();
        var expected = GoldenCase.Read(golden.Outputs.Single(o => o.GetProperty("name").GetString() == "margin"), "margin");
        var margin = model.Run([Batches.Features(model, golden.Inputs()[0])], ["margin"])[0];
        Assert.Equal(expected.Span<float>().ToArray(), margin.Span<float>().ToArray());
    }

    [Theory]
    [MemberData(nameof(RightOrRefused))]
    public void Run_FileThatOthersMisread_IsRightOrRefused(string name)
    {
        var golden = GoldenCase.Open(name);
        try
        {
            AssertTrees(golden);
        }
        catch (ModelRefusedException e)
        {
            Assert.NotEmpty(e.Message);
        }
    }

    [Theory]
    [MemberData(nameof(RefusedAtLoad))]
    public void Load_BadModel_IsRefusedWithAText(string name)
    {
        var golden = GoldenCase.Open(name);
        var refusal = Assert.Throws<ModelRefusedException>(() => golden.Load());
        Assert.InRange(refusal.Message.Length, 20, 600);
    }

    [Theory]
    [MemberData(nameof(RefusedAtRun))]
    public void Run_BadCall_IsRefusedWithAText(string name) => Assert.InRange(Refusal(name).Message.Length, 20, 600);

    [Theory]
    [InlineData("bad-double-into-float")]
    [InlineData("bad-extra-input")]
    [InlineData("bad-fixed-batch-two-rows")]
    [InlineData("bad-input-name")]
    [InlineData("bad-missing-input")]
    [InlineData("bad-mlnet-label-missing")]
    [InlineData("bad-output-name")]
    [InlineData("bad-ragged-columns")]
    public void Run_CallThatDoesNotFitTheSignature_IsRefusedBeforeTheLibrarySeesIt(string name) => Assert.Null(Refusal(name).InnerException);

    [Theory]
    [MemberData(nameof(Changed))]
    public void Load_FileThatIsNotTheRecordedOne_IsRefused(string name)
    {
        var golden = GoldenCase.Open(name);
        var recorded = GoldenCase.Open("lr-vector").Sha256;
        var refusal = Assert.Throws<ModelRefusedException>(() => ModelLoader.Load(golden.ModelPath, recorded));
        Assert.Contains(recorded, refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Without a recorded hash nothing can tell that the file was cut.</summary>
    [Fact]
    public void Load_CutFileWithoutARecordedHash_Loads() => ModelLoader.Load(GoldenCase.Open("bad-truncated-tail").ModelPath).Dispose();

    [Theory]
    [MemberData(nameof(Edges))]
    public void Run_EdgeOfTheLibrary_AnswersOrRefuses(string name)
    {
        var golden = GoldenCase.Open(name);
        try
        {
            using var model = golden.Load();
            Assert.Equal(golden.RequestedOutputs, model.Run(golden.Inputs(), golden.RequestedOutputs).Select(t => t.Name));
        }
        catch (Exception e) when (e is ModelRefusedException or ScoreRequestException)
        {
            Assert.NotEmpty(e.Message);
        }
    }

    private static ScoreRequestException Refusal(string name)
    {
        var golden = GoldenCase.Open(name);
        using var model = golden.Load();
        return Assert.Throws<ScoreRequestException>(() => model.Run(golden.Inputs(), golden.RequestedOutputs));
    }

    private static void AssertTrees(GoldenCase golden)
    {
        foreach (var path in golden.ModelPaths)
        {
            using var model = ModelLoader.Load(path, path == golden.ModelPath ? golden.Sha256 : null);
            var expected = golden.Outputs.Where(o => o.GetProperty("name").GetString() is "prediction" or "margin").ToArray();
            string[] names = [.. expected.Select(o => o.GetProperty("name").GetString()!)];
            Assert.Contains("prediction", names);
            var outputs = model.Run([Batches.Features(model, golden.Inputs()[0])], names);
            foreach (var (wanted, actual) in expected.Zip(outputs))
            {
                Expected.SameValues(GoldenCase.Read(wanted, actual.Name), actual, relative: 1e-6);
            }
        }
    }
}
