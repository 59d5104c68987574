using Feast.Serving;
using Google.Protobuf.WellKnownTypes;
using Value = Feast.Types.Value;

namespace FeatureStore.Client.Tests.Server;

internal static class CannedAnswers
{
    public static readonly DateTimeOffset EventTime = new(2026, 11, 23, 0, 0, 0, 123, TimeSpan.Zero);

    /// <summary>Echoes <c>user_id</c> and answers its length as <c>num_transactions_l1w</c>; the users null, nobody and old get those statuses.</summary>
    public static GetOnlineFeaturesResponse Counts(GetOnlineFeaturesRequest request)
    {
        var users = request.Entities["user_id"].Val;
        var counts = new GetOnlineFeaturesResponse.Types.FeatureVector();
        foreach (var user in users)
        {
            var (status, stored) = user.StringVal switch
            {
                "null" => (FieldStatus.NullValue, new Value()),
                "nobody" => (FieldStatus.NotFound, new Value()),
                "old" => (FieldStatus.OutsideMaxAge, new Value { Int64Val = 3 }),
                _ => (FieldStatus.Present, new Value { Int64Val = user.StringVal.Length }),
            };
            counts.Values.Add(stored);
            counts.Statuses.Add(status);
            counts.EventTimestamps.Add(status == FieldStatus.NotFound ? new Timestamp() : EventTime.ToTimestamp());
        }

        return Of(("user_id", Column(users)), ("num_transactions_l1w", counts));
    }

    public static GetOnlineFeaturesResponse Of(params (string Name, GetOnlineFeaturesResponse.Types.FeatureVector Column)[] columns) => new()
    {
        Metadata = new GetOnlineFeaturesResponseMetadata { FeatureNames = new FeatureList { Val = { columns.Select(c => c.Name) } } },
        Results = { columns.Select(c => c.Column) },
    };

    public static GetOnlineFeaturesResponse.Types.FeatureVector Column(IEnumerable<Value> values)
    {
        var column = new GetOnlineFeaturesResponse.Types.FeatureVector { Values = { values } };
        column.Statuses.AddRange(column.Values.Select(_ => FieldStatus.Present));
        column.EventTimestamps.AddRange(column.Values.Select(_ => new Timestamp()));
        return column;
    }
}
