using Feast.Serving;
using FeatureStore.OnlineStore;

namespace FeatureStore.Serving.Retrieval;

/// <summary>Makes the features of on-demand views from what was read, row by row, and puts them after the features that are answered as they are.</summary>
internal static class OnDemandAnswer
{
    /// <exception cref="RetrievalException">An input is of another type than declared.</exception>
    public static FeatureColumn[] Append(RetrievalPlan plan, FeatureColumn[] reads, EntityBinding request, bool fullFeatureNames, StatusPolicy policy)
    {
        var made = plan.OnDemand.Sum(v => v.Features.Count);
        var flat = new byte[]?[request.Rows * made];
        var column = 0;
        foreach (var view in plan.OnDemand)
        {
            var inputs = OnDemandInputs.Read(view, reads, request);
            foreach (var feature in view.Features)
            {
                for (var row = 0; row < request.Rows; row++)
                {
                    flat[(row * made) + column] = feature.Column.Value(inputs, row);
                }

                column++;
            }
        }

        var (rows, own) = (new OnlineRead[request.Rows], new int[request.Rows]);
        for (var row = 0; row < rows.Length; row++)
        {
            // Feast gives what is made on demand no time.
            rows[row] = new OnlineRead(null, StoredValues.Of(flat.AsSpan(row * made, made)));
            own[row] = row;
        }

        return [.. reads.AsSpan(0, plan.Features.Count), .. plan.OnDemand.SelectMany(v => v.Features).Select((feature, c) =>
            new FeatureColumn(fullFeatureNames ? feature.FullName : feature.Name, rows, own, c, Statuses(rows, c, policy)))];
    }

    private static FieldStatus[] Statuses(OnlineRead[] rows, int column, StatusPolicy policy) =>
        Array.ConvertAll(rows, r => policy.IsTruthful && r.Values.Bytes(column).Length == 0 ? FieldStatus.NullValue : FieldStatus.Present);
}
