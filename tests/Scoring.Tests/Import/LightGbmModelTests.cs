using System.Text;
using FeatureStore.Scoring.Import;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Runtime;

namespace FeatureStore.Scoring.Tests.Import;

/// <summary>Small models written by hand after LightGBM's text format; the recorded ones of LightGBM itself are among the golden cases.</summary>
public sealed class LightGbmModelTests
{
    private const string Model = """
        tree
        version=v4
        num_class=1
        num_tree_per_iteration=1
        label_index=0
        max_feature_idx=1
        objective=regression
        feature_names=age balance
        feature_infos=[0:1] [0:1]
        tree_sizes=100 100

        Tree=0
        num_leaves=3
        num_cat=0
        split_feature=0 1
        threshold=40.5 0.10000000000000001
        decision_type=8 10
        left_child=1 -1
        right_child=-3 -2
        leaf_value=1 2 4
        is_linear=0
        shrinkage=1

        Tree=1
        num_leaves=1
        num_cat=0
        leaf_value=0.5
        is_linear=0
        shrinkage=1

        end of trees
        """;

    [Theory]
    [InlineData(40.5, 0.1, 1.5)]
    [InlineData(40.5, 0.10000000000000002, 2.5)]
    [InlineData(40.500000000000007, 0, 4.5)]
    [InlineData(double.NaN, 0, 4.5)]
    [InlineData(0, double.NaN, 1.5)]
    public void ToOnnx_DoublesAtTheThreshold_GoLeftIfEqual(double age, double balance, float expected) => Assert.Equal(expected, Predict(Model, age, balance));

    [Theory]
    [InlineData("threshold=40.5", "threshold=-1", -2, 1.5)]
    [InlineData("threshold=40.5", "threshold=-1", double.NaN, 4.5)]
    [InlineData("threshold=40.5", "threshold=1", double.NaN, 1.5)]
    public void ToOnnx_SplitThatSawNoMissingValue_SendsItWhereZeroGoes(string found, string put, double age, float expected) =>
        Assert.Equal(expected, Predict(Changed(found, put).Replace("decision_type=8", "decision_type=2", StringComparison.Ordinal), age, 0));

    [Theory]
    [InlineData("objective=regression", "objective=binary sigmoid:2", 0.9525741268224334)]
    [InlineData("objective=regression", "objective=cross_entropy", 0.8175744761936437)]
    [InlineData("objective=regression", "objective=poisson", 4.4816890703380645)]
    [InlineData("objective=regression", "objective=quantile alpha:0.5", 1.5)]
    public void ToOnnx_Objective_DecidesWhatTheSumMeans(string found, string put, double expected) => Assert.Equal(expected, Predict(Changed(found, put), 0, 0), 1e-6);

    [Theory]
    [InlineData("tree\n", "forest\n", "first line")]
    [InlineData("version=v4", "version=v9", "'v9'")]
    [InlineData("objective=regression", "objective=regression sqrt", "sqrt")]
    [InlineData("objective=regression", "objective=mine", "'mine'")]
    [InlineData("objective=regression\n", "", "custom")]
    [InlineData("label_index=0", "average_output", "boosting=rf")]
    [InlineData("feature_names=age balance", "feature_names=age", "names 1")]
    [InlineData("max_feature_idx=1", "max_feature_idx=99999999", "max_feature_idx")]
    [InlineData("max_feature_idx=1", "max_feature_idx=x", "no number")]
    [InlineData("tree_sizes=100 100", "tree_sizes=100", "tree_sizes")]
    [InlineData("num_tree_per_iteration=1", "num_tree_per_iteration=3", "damaged")]
    [InlineData("Tree=1", "Tree=2", "where tree 1")]
    [InlineData("end of trees", "", "is cut")]
    [InlineData("decision_type=8", "decision_type=9", "categories")]
    [InlineData("decision_type=8", "decision_type=6", "zero_as_missing")]
    [InlineData("is_linear=0", "is_linear=1", "linear")]
    [InlineData("left_child=1", "left_child=0", "under itself")]
    [InlineData("left_child=1 -1", "left_child=1 -3", "two parents")]
    [InlineData("left_child=1 -1", "left_child=1 -9", "a child")]
    [InlineData("left_child=1 -1", "left_child=1", "different lengths")]
    [InlineData("split_feature=0", "split_feature=7", "feature 7")]
    [InlineData("leaf_value=1 ", "leaf_value=nan ", "no number")]
    [InlineData("num_cat=0", "num_leaves=3", "twice")]
    public void ToOnnx_WhatIsNotImportedOrDamaged_IsRefused(string found, string put, string told)
    {
        var refusal = Assert.Throws<ModelRefusedException>(() => Load(Changed(found, put)));
        Assert.Contains(told, refusal.Message, StringComparison.Ordinal);
    }

    private static string Changed(string found, string put)
    {
        var at = Model.IndexOf(found, StringComparison.Ordinal);
        Assert.True(at >= 0, $"'{found}' is not in the model.");
        return string.Concat(Model.AsSpan(0, at), put, Model.AsSpan(at + found.Length));
    }

    private static float Predict(string text, double age, double balance)
    {
        using var model = Load(text);
        return model.Run([Tensor.Of("features", [1, 2], [age, balance])], ["prediction"])[0].Span<float>()[0];
    }

    private static IModelSession Load(string text) =>
        ModelLoader.Load(ModelImporter.ToOnnx(Encoding.UTF8.GetBytes(text), ModelFormat.LightGbmText, ModelLimits.Default), null, ModelLimits.Default);
}
