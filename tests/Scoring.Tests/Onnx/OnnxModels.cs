using FeatureStore.Scoring.Onnx.Format;
using FeatureStore.Scoring.Runtime;
using Google.Protobuf;
using Kind = FeatureStore.Scoring.Onnx.Format.OnnxAttribute.Types.Kind;

namespace FeatureStore.Scoring.Tests.Onnx;

/// <summary>Small ONNX models built field by field, good and hostile: input <c>x</c> [N, 7], output <c>y</c>.</summary>
internal static class OnnxModels
{
    public static OnnxModelFile Of(params OnnxNode[] nodes)
    {
        var graph = new OnnxGraph { Name = "g" };
        graph.Node.AddRange(nodes);
        graph.Input.Add(Port("x", 7));
        graph.Output.Add(new OnnxValue { Name = "y", Type = new OnnxType { TensorType = new OnnxTensorType { ElemType = (int)TensorType.Float } } });
        var model = new OnnxModelFile { IrVersion = 8, Graph = graph };
        model.OpsetImport.Add(new OnnxOpset { Domain = string.Empty, Version = 17 });
        model.OpsetImport.Add(new OnnxOpset { Domain = "ai.onnx.ml", Version = 3 });
        return model;
    }

    public static OnnxNode Node(string op, string[] inputs, params OnnxAttribute[] attributes)
    {
        var node = new OnnxNode { OpType = op, Name = op, Domain = op.StartsWith("Tree", StringComparison.Ordinal) || op == "ZipMap" ? "ai.onnx.ml" : string.Empty };
        node.Input.AddRange(inputs);
        node.Output.Add("y");
        node.Attribute.AddRange(attributes);
        return node;
    }

    /// <summary>One tree of a split on feature 0 at each of <paramref name="yes"/>' non-negative places.</summary>
    public static OnnxNode Tree(long[] trees, long[] ids, long[] yes, long[] no)
    {
        var leaves = Enumerable.Range(0, ids.Length).Where(i => yes[i] < 0).ToArray();
        return Node(
            "TreeEnsembleRegressor", ["x"], new OnnxAttribute { Name = "n_targets", Type = Kind.Int, I = 1 }, Ints("nodes_treeids", trees), Ints("nodes_nodeids", ids), Ints("nodes_featureids", new long[ids.Length]),
            Strings("nodes_modes", [.. yes.Select(y => y < 0 ? "LEAF" : "BRANCH_LT")]), Ints("nodes_truenodeids", yes), Ints("nodes_falsenodeids", no), Floats("nodes_values", new float[ids.Length]),
            Ints("target_treeids", [.. leaves.Select(l => trees[l])]), Ints("target_nodeids", [.. leaves.Select(l => ids[l])]), Ints("target_ids", new long[leaves.Length]), Floats("target_weights", new float[leaves.Length]));
    }

    /// <summary>A tree that is a chain: each split has a leaf on one side and the next split on the other.</summary>
    public static OnnxNode Chain(int depth)
    {
        var count = (2 * depth) + 1;
        long[] ids = [.. Enumerable.Range(0, count).Select(i => (long)i)];
        return Tree(new long[count], ids, [.. ids.Select(i => i % 2 == 0 && i < 2 * depth ? i + 2 : -1)], [.. ids.Select(i => i + 1)]);
    }

    public static OnnxTensor Values(string name, TensorType type, long[] dims, params long[] values)
    {
        var tensor = new OnnxTensor { Name = name, DataType = (int)type };
        tensor.Dims.AddRange(dims);
        if (type == TensorType.Int64)
        {
            tensor.Int64Data.AddRange(values);
        }
        else
        {
            tensor.FloatData.AddRange(values.Select(v => (float)v));
        }

        return tensor;
    }

    public static OnnxTensor External(string name, long[] dims, params (string Key, string Value)[] entries)
    {
        var tensor = Values(name, TensorType.Float, dims);
        tensor.DataLocation = 1;
        tensor.ExternalData.AddRange(entries.Select(e => new OnnxEntry { Key = e.Key, Value = e.Value }));
        return tensor;
    }

    public static OnnxModelFile With(this OnnxModelFile model, params OnnxTensor[] initializers)
    {
        model.Graph.Initializer.AddRange(initializers);
        return model;
    }

    public static OnnxAttribute Ints(string name, long[] values)
    {
        var attribute = new OnnxAttribute { Name = name, Type = Kind.Ints };
        attribute.Ints.AddRange(values);
        return attribute;
    }

    public static OnnxAttribute Floats(string name, float[] values)
    {
        var attribute = new OnnxAttribute { Name = name, Type = Kind.Floats };
        attribute.Floats.AddRange(values);
        return attribute;
    }

    public static OnnxAttribute Strings(string name, string[] values)
    {
        var attribute = new OnnxAttribute { Name = name, Type = Kind.Strings };
        attribute.Strings.AddRange(values.Select(ByteString.CopyFromUtf8));
        return attribute;
    }

    public static OnnxAttribute Graph(string name, OnnxGraph graph) => new() { Name = name, Type = Kind.Graph, G = graph };

    private static OnnxValue Port(string name, int width)
    {
        var shape = new OnnxShape();
        shape.Dim.Add(new OnnxDimension { DimParam = "N" });
        shape.Dim.Add(new OnnxDimension { DimValue = width });
        return new OnnxValue { Name = name, Type = new OnnxType { TensorType = new OnnxTensorType { ElemType = (int)TensorType.Float, Shape = shape } } };
    }
}
