using Feast.Serving;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Value = Feast.Types.Value;

namespace FeatureStore.Client.Answers;

/// <summary>Checks the answers of a query's batches and joins them into one table.</summary>
internal static class AnswerJoin
{
    /// <exception cref="FeatureStoreException">An answer is not of the shape that its request has, or the batches differ in their columns.</exception>
    public static OnlineFeatureTable Join(IReadOnlyList<GetOnlineFeaturesResponse> answers, IReadOnlyList<int> rows)
    {
        var names = Names(answers[0]);
        if (names.Distinct().Count() != names.Count)
        {
            throw Malformed("two columns have one name; ask with full feature names");
        }

        // Servers behind one address may order the features of a view differently, so batches are paired by name.
        var places = new int[answers.Count][];
        for (var i = 0; i < answers.Count; i++)
        {
            Check(answers[i], rows[i]);
            var own = Names(answers[i]);
            places[i] = [.. names.Select(own.IndexOf)];
            if (own.Count != names.Count || places[i].Contains(-1))
            {
                throw new FeatureStoreException(
                    StatusCode.Aborted, "The server's definitions changed while a query ran, so that its batches differ in their columns; ask again.");
            }
        }

        var columns = names.Select((name, c) => answers.Count == 1
            ? Column(name, answers[0].Results[c])
            : Column(name, [.. answers.Select((a, i) => a.Results[places[i][c]])], rows.Sum()));
        return new OnlineFeatureTable([.. columns], rows.Sum());
    }

    private static IList<string> Names(GetOnlineFeaturesResponse answer) =>
        answer.Metadata?.FeatureNames?.Val ?? throw Malformed("it has no feature names");

    private static void Check(GetOnlineFeaturesResponse answer, int rows)
    {
        var names = Names(answer);
        if (answer.Results.Count != names.Count)
        {
            throw Malformed($"it has {names.Count} names and {answer.Results.Count} columns");
        }

        for (var c = 0; c < names.Count; c++)
        {
            var column = answer.Results[c];
            if (column.Values.Count != rows || column.Statuses.Count != rows || column.EventTimestamps.Count is not 0 && column.EventTimestamps.Count != rows)
            {
                throw Malformed($"column '{names[c]}' has {column.Values.Count} values, {column.Statuses.Count} statuses and {column.EventTimestamps.Count} times for {rows} rows");
            }
        }
    }

    private static OnlineFeatureColumn Column(string name, GetOnlineFeaturesResponse.Types.FeatureVector only) =>
        new(name, only.Values, only.Statuses, Times(only));

    private static OnlineFeatureColumn Column(string name, IReadOnlyList<GetOnlineFeaturesResponse.Types.FeatureVector> parts, int rows)
    {
        var values = new List<Value>(rows);
        var statuses = new List<FieldStatus>(rows);
        var times = new List<Timestamp?>(rows);
        foreach (var part in parts)
        {
            values.AddRange(part.Values);
            statuses.AddRange(part.Statuses);
            times.AddRange(Times(part));
        }

        return new OnlineFeatureColumn(name, values, statuses, times);
    }

    private static IReadOnlyList<Timestamp?> Times(GetOnlineFeaturesResponse.Types.FeatureVector column) =>
        column.EventTimestamps.Count == 0 ? new Timestamp?[column.Values.Count] : column.EventTimestamps;

    private static FeatureStoreException Malformed(string fact) =>
        new(StatusCode.Internal, $"The server's answer cannot be read: {fact}.");
}
