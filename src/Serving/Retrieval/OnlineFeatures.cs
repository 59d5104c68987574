using Feast.Serving;
using FeatureStore.Contract.Values;
using Value = Feast.Types.Value;

namespace FeatureStore.Serving.Retrieval;

/// <summary>One column of an answer over the entity rows: stored <c>Value</c> bytes, statuses, and times in microseconds (0 for none).</summary>
public sealed record OnlineColumn(string Name, byte[][] Values, FieldStatus[] Statuses, long[] EventTimeMicros);

/// <summary>An answer: entity columns in the request's order, then the plan's features.</summary>
public sealed record OnlineFeatures(IReadOnlyList<OnlineColumn> Columns)
{
    /// <summary>The answer as Feast's message.</summary>
    public GetOnlineFeaturesResponse ToMessage()
    {
        var message = new GetOnlineFeaturesResponse
        {
            Metadata = new GetOnlineFeaturesResponseMetadata { FeatureNames = new FeatureList() },
        };
        foreach (var column in Columns)
        {
            message.Metadata.FeatureNames.Val.Add(column.Name);
            var vector = new GetOnlineFeaturesResponse.Types.FeatureVector();
            vector.Values.AddRange(column.Values.Select(v => Value.Parser.ParseFrom(v)));
            vector.Statuses.AddRange(column.Statuses);
            vector.EventTimestamps.AddRange(column.EventTimeMicros.Select(ValueBytes.ToTimestamp));
            message.Results.Add(vector);
        }

        return message;
    }
}
