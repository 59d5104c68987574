using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Onnx.Format;
using FeatureStore.Scoring.Runtime;
using Google.Protobuf;
using static FeatureStore.Scoring.Tests.Onnx.OnnxModels;

namespace FeatureStore.Scoring.Tests.Onnx;

/// <summary>Models that the native library would not survive, could not bound, or would misread.</summary>
public sealed class HostileModelTests
{
    [Fact]
    public void Load_TreeAsDeepAsAllowed_Runs()
    {
        using var model = Load(Of(Chain(ModelLimits.Default.TreeDepthMax)));
        Assert.Equal(2, model.Run([Rows(2)], ["y"])[0].Rows);
    }

    /// <summary>ONNX Runtime 1.31 recurses over a tree: at 20,000 splits its stack ends, and the process with it.</summary>
    [Theory]
    [InlineData(1_001)]
    [InlineData(20_000)]
    [InlineData(300_000)]
    public void Load_TreeDeeperThanAllowed_IsRefused(int depth) => AssertRefused(Of(Chain(depth)), "deeper than 1,000 splits");

    [Fact]
    public void Load_TreeWithACycle_IsRefused() => AssertRefused(Of(Tree([0, 0, 0], [0, 1, 2], [1, 0, -1], [2, 2, -1])), "two parents");

    [Fact]
    public void Load_TreeWithASharedNode_IsRefused() => AssertRefused(Of(Tree([0, 0, 0], [0, 1, 2], [1, -1, -1], [1, -1, -1])), "two parents");

    [Fact]
    public void Load_TreeWithAChildThatIsNotThere_IsRefused() => AssertRefused(Of(Tree([0, 0, 0], [0, 1, 2], [9, -1, -1], [2, -1, -1])), "does not have");

    [Theory]
    [InlineData(7)]
    [InlineData(100_000_000)]
    [InlineData(-1)]
    public void Load_SplitOnAFeatureBeyondTheRow_IsRefused(long feature)
    {
        var tree = Tree([0, 0, 0], [0, 1, 2], [1, -1, -1], [2, -1, -1]);
        tree.Attribute.Single(a => a.Name == "nodes_featureids").Ints[0] = feature;
        AssertRefused(Of(tree), "a row has 7");
    }

    [Fact]
    public void Load_TreeInPieces_IsRefused() => AssertRefused(Of(Tree([0, 1, 0], [0, 0, 1], [-1, -1, -1], [0, 0, 0])), "in pieces");

    [Fact]
    public void Load_TreeNodeTwice_IsRefused() => AssertRefused(Of(Tree([0, 0], [0, 0], [-1, -1], [0, 0])), "listed twice");

    [Fact]
    public void Load_TreeInsideAnInnerGraph_IsCheckedToo()
    {
        var inner = new OnnxGraph { Name = "then" };
        inner.Node.Add(Chain(20_000));
        AssertRefused(Of(Node("If", ["c"], OnnxModels.Graph("then_branch", inner))), "deeper than");
    }

    [Theory]
    [InlineData(new long[] { 0 }, new long[] { 0 }, "two parents")]
    [InlineData(new long[] { 5 }, new long[] { 0 }, "does not exist")]
    [InlineData(new long[] { 0, 1 }, new long[] { 0 }, "different lengths")]
    public void Load_FlatTreeThatIsNone_IsRefused(long[] yes, long[] roots, string told)
    {
        var node = Node(
            "TreeEnsemble", ["x"], Ints("tree_roots", roots), Ints("nodes_truenodeids", yes), Ints("nodes_falsenodeids", [0]), Ints("nodes_trueleafs", [0]), Ints("nodes_falseleafs", [1]));
        AssertRefused(Of(node), told);
    }

    [Fact]
    public void Load_FlatTreeDeeperThanAllowed_IsRefused()
    {
        const int Depth = 20_000;
        long[] next = [.. Enumerable.Range(1, Depth).Select(i => (long)i)];
        var leaves = new long[Depth];
        leaves[^1] = 1;
        AssertRefused(Of(Node("TreeEnsemble", ["x"], Ints("tree_roots", [0]), Ints("nodes_truenodeids", next), Ints("nodes_falsenodeids", new long[Depth]), Ints("nodes_trueleafs", leaves), Ints("nodes_falseleafs", [.. Enumerable.Repeat(1L, Depth)]))), "deeper than");
    }

    [Fact]
    public void Load_Loop_IsRefused() => AssertRefused(Of(Node("Loop", ["m", "c", "x"], OnnxModels.Graph("body", new OnnxGraph()))), "Loop");

    [Fact]
    public void Load_FunctionsOfItsOwn_IsRefused()
    {
        var model = Of(Node("Identity", ["x"]));
        model.Functions.Add(new OnnxFunction { Name = "f" });
        AssertRefused(model, "functions");
    }

    [Theory]
    [InlineData(new long[] { 1L << 36 })]
    [InlineData(new long[] { 1L << 32, 1L << 32, 7 })]
    [InlineData(new long[] { -7 })]
    public void Load_TensorThatClaimsMoreThanItHolds_IsRefused(long[] dims) => AssertRefused(Of(Node("Add", ["x", "w"])).With(Values("w", TensorType.Float, dims, 1, 2)), "'w'");

    /// <summary>A file of a hundred bytes can ask for a block of any size when it runs.</summary>
    [Theory]
    [InlineData(1L << 30)]
    [InlineData(1L << 36)]
    public void Run_NodeThatMakesAHugeTensor_IsRefusedWithoutTheMemory(long count)
    {
        var fill = Node("ConstantOfShape", ["s"]);
        fill.Output[0] = "c";
        using var model = Load(Of(fill, Node("ReduceSum", ["c"])).With(Values("s", TensorType.Int64, [1], count)));
        Assert.Throws<ScoreRequestException>(() => model.Run([Rows(1)], ["y"]));
        Assert.InRange(Environment.WorkingSet, 0, 3L << 30);
    }

    [Fact]
    public void Load_MoreBytesThanAllowed_IsRefused() =>
        Assert.Contains("at most 10", Assert.Throws<ModelRefusedException>(() => ModelLoader.Load(Of(Node("Identity", ["x"])).ToByteArray(), null, new ModelLimits { FileBytesMax = 10 })).Message, StringComparison.Ordinal);

    [Fact]
    public void Load_MoreNodesThanAllowed_IsRefused() => AssertRefused(Of([.. Enumerable.Range(0, 20_001).Select(_ => Node("Identity", ["x"]))]), "20,000 nodes");

    [Fact]
    public void Load_ZipMapThatIsReadInside_IsRefused()
    {
        var zip = Node("ZipMap", ["x"], Strings("classlabels_strings", ["a"]));
        zip.Output[0] = "z";
        AssertRefused(Of(zip, Node("Identity", ["z"])), "zipmap off");
    }

    [Fact]
    public void Run_ZipMapWithOtherClassesThanColumns_IsRefused()
    {
        using var model = Load(Of(Node("ZipMap", ["x"], Strings("classlabels_strings", ["a", "b"]))));
        Assert.Throws<ScoreRequestException>(() => model.Run([Rows(2)], ["y"]));
    }

    [Fact]
    public void Run_MoreRowsThanAllowed_IsRefused()
    {
        using var model = ModelLoader.Load(Of(Node("Identity", ["x"])).ToByteArray(), null, new ModelLimits { RowsMax = 10 });
        Assert.Equal(10, model.Run([Rows(10)], ["y"])[0].Rows);
        Assert.Throws<ScoreRequestException>(() => model.Run([Rows(11)], ["y"]));
    }

    private static Tensor Rows(int rows) => Tensor.Of("x", [rows, 7], new float[rows * 7]);

    private static IModelSession Load(OnnxModelFile model) => ModelLoader.Load(model.ToByteArray(), null, ModelLimits.Default);

    private static void AssertRefused(OnnxModelFile model, string told)
    {
        var refusal = Assert.Throws<ModelRefusedException>(() => Load(model));
        Assert.Contains(told, refusal.Message, StringComparison.Ordinal);
        Assert.Null(refusal.InnerException);
    }
}
