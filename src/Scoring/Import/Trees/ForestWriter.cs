using System.Text.Json;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Onnx.Format;
using FeatureStore.Scoring.Runtime;
using Google.Protobuf;
using Kind = FeatureStore.Scoring.Onnx.Format.OnnxAttribute.Types.Kind;

namespace FeatureStore.Scoring.Import.Trees;

/// <summary>Writes a forest as ONNX: input <c>features</c> [N, F]; outputs <c>prediction</c> and <c>margin</c>, [N, groups] each. Same forest, same bytes.</summary>
internal static class ForestWriter
{
    public const string Input = "features";
    public const string Prediction = "prediction";
    public const string Margin = "margin";
    public const string FeatureNamesKey = "feature_names";

    private const string MlDomain = "ai.onnx.ml";
    private const int IrVersion = 8;
    private const int Opset = 17;
    private const int MlOpset = 3;

    public static byte[] Write(Forest forest, ModelLimits limits)
    {
        var graph = new OnnxGraph { Name = "forest" };
        var type = forest.IsDouble ? TensorType.Double : TensorType.Float;
        graph.Input.Add(Port(Input, type, forest.FeatureCount));
        graph.Node.Add(Ensemble(forest, new ForestNodes(forest, limits)));
        AddLink(graph, forest);
        var width = forest.Link == ForestLink.LargestClass ? 1 : forest.Groups;
        graph.Output.Add(Port(Prediction, TensorType.Float, width));
        graph.Output.Add(Port(Margin, TensorType.Float, forest.Groups));
        var model = new OnnxModelFile { IrVersion = IrVersion, ProducerName = "fstore", Graph = graph };
        model.OpsetImport.Add(new OnnxOpset { Domain = string.Empty, Version = Opset });
        model.OpsetImport.Add(new OnnxOpset { Domain = MlDomain, Version = MlOpset });
        model.MetadataProps.Add(new OnnxEntry { Key = "converted_from", Value = forest.Producer });
        if (forest.FeatureNames.Count > 0)
        {
            model.MetadataProps.Add(new OnnxEntry { Key = FeatureNamesKey, Value = JsonSerializer.Serialize(forest.FeatureNames) });
        }

        return model.ToByteArray();
    }

    private static OnnxNode Ensemble(Forest forest, ForestNodes nodes)
    {
        var split = forest.LeftIsStrictlyLess ? "BRANCH_LT" : "BRANCH_LEQ";
        var node = Node("TreeEnsembleRegressor", [Input], Margin);
        node.Domain = MlDomain;
        node.Attribute.Add(new OnnxAttribute { Name = "n_targets", Type = Kind.Int, I = forest.Groups });
        node.Attribute.Add(Ints("nodes_treeids", nodes.Trees));
        node.Attribute.Add(Ints("nodes_nodeids", nodes.Ids));
        node.Attribute.Add(Ints("nodes_featureids", nodes.Features));
        var modes = new OnnxAttribute { Name = "nodes_modes", Type = Kind.Strings };
        var (leafMode, splitMode) = (ByteString.CopyFromUtf8("LEAF"), ByteString.CopyFromUtf8(split));
        modes.Strings.AddRange(nodes.IsLeaf.Select(l => l ? leafMode : splitMode));
        node.Attribute.Add(modes);
        node.Attribute.Add(Numbers("nodes_values", nodes.Thresholds, forest.IsDouble));
        node.Attribute.Add(Ints("nodes_truenodeids", nodes.Left));
        node.Attribute.Add(Ints("nodes_falsenodeids", nodes.Right));
        node.Attribute.Add(Ints("nodes_missing_value_tracks_true", nodes.MissingLeft));
        node.Attribute.Add(Ints("target_treeids", nodes.LeafTrees));
        node.Attribute.Add(Ints("target_nodeids", nodes.LeafIds));
        node.Attribute.Add(Ints("target_ids", nodes.LeafGroups));
        node.Attribute.Add(Numbers("target_weights", nodes.LeafValues, forest.IsDouble));
        return node;
    }

    private static void AddLink(OnnxGraph graph, Forest forest)
    {
        switch (forest.Link)
        {
            case ForestLink.Identity:
                graph.Node.Add(Node("Identity", [Margin], Prediction));
                break;
            case ForestLink.Exponential:
                graph.Node.Add(Node("Exp", [Margin], Prediction));
                break;
            case ForestLink.Logistic:
                // Spelled out: the ready-made Sigmoid loses the small probabilities' digits.
                graph.Initializer.Add(Scalar("minus_slope", (float)-forest.Slope));
                graph.Initializer.Add(Scalar("one", 1));
                graph.Node.Add(Node("Mul", [Margin, "minus_slope"], "exponent"));
                graph.Node.Add(Node("Exp", ["exponent"], "odds_against"));
                graph.Node.Add(Node("Add", ["odds_against", "one"], "denominator"));
                graph.Node.Add(Node("Reciprocal", ["denominator"], Prediction));
                break;
            case ForestLink.Softmax:
                graph.Node.Add(Node("Softmax", [Margin], Prediction, ("axis", 1)));
                break;
            case ForestLink.LargestClass:
                graph.Node.Add(Node("ArgMax", [Margin], "class", ("axis", 1), ("keepdims", 1)));
                graph.Node.Add(Node("Cast", ["class"], Prediction, ("to", (int)TensorType.Float)));
                break;
            case ForestLink.Step:
                graph.Initializer.Add(Scalar("zero", 0));
                graph.Node.Add(Node("Greater", [Margin, "zero"], "above"));
                graph.Node.Add(Node("Cast", ["above"], Prediction, ("to", (int)TensorType.Float)));
                break;
        }
    }

    private static OnnxNode Node(string op, string[] inputs, string output, params (string Name, int Value)[] attributes)
    {
        var node = new OnnxNode { OpType = op, Name = output };
        node.Input.AddRange(inputs);
        node.Output.Add(output);
        node.Attribute.AddRange(attributes.Select(a => new OnnxAttribute { Name = a.Name, Type = Kind.Int, I = a.Value }));
        return node;
    }

    private static OnnxAttribute Ints(string name, List<long> values)
    {
        var attribute = new OnnxAttribute { Name = name, Type = Kind.Ints };
        attribute.Ints.AddRange(values);
        return attribute;
    }

    /// <summary>Floats as a list; doubles as a tensor, which the operator reads since ai.onnx.ml 3.</summary>
    private static OnnxAttribute Numbers(string name, List<double> values, bool isDouble)
    {
        if (!isDouble)
        {
            var attribute = new OnnxAttribute { Name = name, Type = Kind.Floats };
            attribute.Floats.AddRange(values.Select(v => (float)v));
            return attribute;
        }

        var tensor = new OnnxTensor { Name = name, DataType = (int)TensorType.Double };
        tensor.Dims.Add(values.Count);
        tensor.DoubleData.AddRange(values);
        return new OnnxAttribute { Name = $"{name}_as_tensor", Type = Kind.Tensor, T = tensor };
    }

    private static OnnxTensor Scalar(string name, float value)
    {
        var tensor = new OnnxTensor { Name = name, DataType = (int)TensorType.Float };
        tensor.FloatData.Add(value);
        return tensor;
    }

    private static OnnxValue Port(string name, TensorType type, int width)
    {
        var shape = new OnnxShape();
        shape.Dim.Add(new OnnxDimension { DimParam = "N" });
        shape.Dim.Add(new OnnxDimension { DimValue = width });
        return new OnnxValue { Name = name, Type = new OnnxType { TensorType = new OnnxTensorType { ElemType = (int)type, Shape = shape } } };
    }
}
