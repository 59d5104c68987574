using System.Text;
using FeatureStore.Scoring.Import;
using FeatureStore.Scoring.Models;

namespace FeatureStore.Scoring.Tests.Import;

public sealed class XgbModelTests
{
    private const float PredictionTolerance = 1e-6f;

    public static TheoryData<string> Good() => XGBoostFiles.Good();

    public static TheoryData<string> Bad() => XGBoostFiles.Bad();

    [Theory]
    [MemberData(nameof(Good))]
    public void ToOnnx_ModelOfEachObjective_AnswersAsXGBoost(string file)
    {
        using var model = ModelLoader.Load(Path.Combine(XGBoostFiles.Folder, file));
        var outputs = model.Run([XGBoostFiles.Rows()], ["margin", "prediction"]);
        var name = Path.GetFileNameWithoutExtension(file);
        if (name != "multi-softmax")
        {
            // XGBoost answers softmax with the class even where the margin is asked for.
            Assert.Equal(XGBoostFiles.Answers(name, "margin"), outputs[0].Span<float>().ToArray());
        }

        var expected = XGBoostFiles.Answers(name, "prediction");
        var actual = outputs[1].Span<float>();
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(MathF.Abs(expected[i] - actual[i]) <= PredictionTolerance * MathF.Max(1, MathF.Abs(expected[i])), $"row {i}: {actual[i]:R}, XGBoost said {expected[i]:R}");
        }
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void ToOnnx_KindThatIsNotImported_IsRefusedByName(string file)
    {
        var named = Path.GetFileNameWithoutExtension(file) switch
        {
            "bad-dart" => "'dart'",
            "bad-gblinear" => "'gblinear'",
            "bad-logitraw" => "'binary:logitraw'",
            "bad-categories" => "categories",
            _ => "'survival:cox'",
        };
        var refusal = Assert.Throws<ModelRefusedException>(() => ModelLoader.Load(Path.Combine(XGBoostFiles.Folder, file)));
        Assert.Contains(named, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Good))]
    public void ToOnnx_SameModelInBothFormats_IsTheSameOnnx(string file)
    {
        var stem = Path.GetFileNameWithoutExtension(file);
        Assert.Equal(
            ModelImporter.ToOnnx(XGBoostFiles.Read($"{stem}.json"), ModelFormat.XGBoostJson, ModelLimits.Default),
            ModelImporter.ToOnnx(XGBoostFiles.Read($"{stem}.ubj"), ModelFormat.XGBoostUbj, ModelLimits.Default));
    }

    [Theory]
    [InlineData("[1,7,4]", "[1,6,2]", "1.6.2")]
    [InlineData("[1,7,4]", "[3,3,0]", "3.3.0")]
    [InlineData("[1,7,4]", "[0,90,0]", "0.90.0")]
    [InlineData("[1,7,4]", "[]", "without a version")]
    [InlineData("[1,7,4]", "[-1,7,4]", "without a version")]
    [InlineData("\"base_score\":\"5E-1\"", "\"base_score\":\"[5E-1,5E-1]\"", "2 base scores")]
    [InlineData("\"base_score\":\"5E-1\"", "\"base_score\":\"1E0\"", "base score '1E0'")]
    [InlineData("\"base_score\":\"5E-1\"", "\"base_score\":\"NaN\"", "base score 'NaN'")]
    [InlineData("\"num_target\":\"1\"", "\"num_target\":\"2\"", "2 targets")]
    [InlineData("\"num_feature\":\"4\",\"num_target\"", "\"num_feature\":\"1\",\"num_target\"", "there are 1")]
    [InlineData("\"num_feature\":\"4\",\"num_target\"", "\"num_feature\":\"99999999\",\"num_target\"", "num_feature")]
    [InlineData("\"size_leaf_vector\":\"0\"}},", "\"size_leaf_vector\":\"3\"}},", "vector in each leaf")]
    [InlineData("\"num_trees\":\"6\"", "\"num_trees\":\"7\"", "num_trees")]
    [InlineData("\"left_children\":[1,", "\"left_children\":[0,", "under itself")]
    [InlineData("\"left_children\":[1,", "\"left_children\":[2,", "two parents")]
    [InlineData("\"left_children\":[1,", "\"left_children\":[1000000,", "child 1000000")]
    [InlineData("\"right_children\":[2,", "\"right_children\":[-1,", "child -1")]
    [InlineData("\"left_children\":[1,", "\"left_children\":[1.5,", "whole numbers")]
    [InlineData("\"left_children\":[1,", "\"left_children\":[", "different lengths")]
    [InlineData("{\"learner\"", "{\"learner\":{},\"learner\"", "named twice")]
    public void ToOnnx_FileThatWasTamperedWith_IsRefused(string found, string put, string told)
    {
        var text = Encoding.UTF8.GetString(XGBoostFiles.Read("binary-logistic.json"));
        var at = text.IndexOf(found, StringComparison.Ordinal);
        Assert.True(at >= 0, $"'{found}' is not in the file.");
        var tampered = string.Concat(text.AsSpan(0, at), put, text.AsSpan(at + found.Length));
        var refusal = Assert.Throws<ModelRefusedException>(() => ModelImporter.ToOnnx(Encoding.UTF8.GetBytes(tampered), ModelFormat.XGBoostJson, ModelLimits.Default));
        Assert.Contains(told, refusal.Message, StringComparison.Ordinal);
    }
}
