namespace FeatureStore.Serving.Retrieval;

/// <summary>Bounds of one request, checked before anything is planned or allocated for it.</summary>
/// <param name="EntityRowsMax">Entity rows of one request.</param>
/// <param name="FeaturesMax">Features of one request, by reference or by service.</param>
/// <param name="CellsMax">Rows times features, which bounds the answer.</param>
/// <param name="MessageBytesMax">Size of a request's message or body, in bytes.</param>
public sealed record RetrievalLimits(
    int EntityRowsMax = 10_000, int FeaturesMax = 2_000, int CellsMax = 2_000_000, int MessageBytesMax = 4 * 1024 * 1024)
{
    /// <exception cref="RetrievalException">There are too many features.</exception>
    internal void CheckFeatures(int features) => Check(features, FeaturesMax, "features");

    /// <exception cref="RetrievalException">There are too many rows.</exception>
    internal void CheckRows(int rows) => Check(rows, EntityRowsMax, "entity rows");

    /// <exception cref="RetrievalException">The answer would be too large.</exception>
    internal void CheckCells(int rows, int features) => Check((long)rows * features, CellsMax, "values (entity rows times features)");

    private static void Check(long count, int limit, string what)
    {
        if (count > limit)
        {
            throw new RetrievalException(RetrievalFault.TooLarge, $"{count} {what} are more than the limit of {limit}; split the request.");
        }
    }
}
