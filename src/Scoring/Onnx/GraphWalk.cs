using FeatureStore.Scoring.Onnx.Format;

namespace FeatureStore.Scoring.Onnx;

/// <summary>Everything of a graph and the graphs inside its nodes. The parser bounds how deep a file can nest, so recursion is safe.</summary>
internal static class GraphWalk
{
    public static IEnumerable<(OnnxGraph Graph, int Depth)> Graphs(OnnxGraph graph, int depth = 0)
    {
        yield return (graph, depth);
        foreach (var attribute in graph.Node.SelectMany(n => n.Attribute))
        {
            var inner = attribute.G is null ? attribute.Graphs : attribute.Graphs.Append(attribute.G);
            foreach (var found in inner.SelectMany(g => Graphs(g, depth + 1)))
            {
                yield return found;
            }
        }
    }

    public static IEnumerable<OnnxTensor> Tensors(OnnxGraph graph)
    {
        foreach (var (inner, _) in Graphs(graph))
        {
            foreach (var tensor in inner.Initializer.Concat(inner.SparseInitializer.SelectMany(Sparse)))
            {
                yield return tensor;
            }

            foreach (var attribute in inner.Node.SelectMany(n => n.Attribute))
            {
                foreach (var tensor in attribute.Tensors.Concat(attribute.T is null ? [] : [attribute.T]).Concat(Sparse(attribute.SparseTensor)))
                {
                    yield return tensor;
                }
            }
        }
    }

    private static IEnumerable<OnnxTensor> Sparse(OnnxSparse? sparse) => sparse is null ? [] : new[] { sparse.Values, sparse.Indices }.Where(t => t is not null);
}
