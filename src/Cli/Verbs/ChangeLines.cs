using System.Text.Json;
using FeatureStore.Registry.Files;

namespace FeatureStore.Cli.Verbs;

/// <summary>How <c>plan</c>, <c>apply</c> and <c>teardown</c> print changes: one JSON object a change, or lines for people.</summary>
internal static class ChangeLines
{
    private static readonly (ChangeCosts Cost, string Name, string Text, string OfService)[] Costs =
    [
        (ChangeCosts.Compute, "compute", "its windows are to be computed: fstore features compute", string.Empty),
        (ChangeCosts.Materialize, "materialize", "its rows are to be materialised: fstore materialize", "its vectors come when its views are materialised: fstore materialize"),
        (ChangeCosts.DropOnlineRows, "drop_online_rows", "its online rows are dropped", "its precomputed vectors are dropped"),
    ];

    public static void Print(bool json, IReadOnlyList<PlannedChange> changes)
    {
        foreach (var change in changes)
        {
            Console.Out.WriteLine(json ? Json(change) : string.Join(Environment.NewLine, Text(change)));
        }
    }

    private static IEnumerable<string> Text(PlannedChange change)
    {
        yield return $"{Word(change.Change),-8} {change.Kind} {change.Name}";
        foreach (var field in change.Fields)
        {
            yield return $"           {field.Field}: {field.Before ?? "(none)"} -> {field.After ?? "(none)"}";
        }

        foreach (var (_, _, text, ofService) in Costs.Where(c => change.Costs.HasFlag(c.Cost)))
        {
            yield return $"           {(change.Kind == PlannedChange.FeatureService ? ofService : text)}";
        }
    }

    private static string Json(PlannedChange change) => JsonSerializer.Serialize(
        new
        {
            change = Word(change.Change),
            kind = change.Kind,
            name = change.Name,
            fields = change.Fields.Select(f => new { field = f.Field, before = f.Before, after = f.After }),
            costs = Costs.Where(c => change.Costs.HasFlag(c.Cost)).Select(c => c.Name),
        },
        Output.Answer.JsonFormat);

    private static string Word(ChangeKind change) => change switch
    {
        ChangeKind.Added => "added",
        ChangeKind.Changed => "changed",
        _ => "removed",
    };
}
