using System.CommandLine;
using FeatureStore.Registry.Files;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore plan</c>: what <c>apply</c> would write, and what each change costs the stores.</summary>
internal static class PlanVerb
{
    public static Command Create()
    {
        var command = new Command("plan", "Show what apply would change, and what it costs; write nothing. Example: fstore plan");
        command.SetAction(parsed =>
        {
            var json = parsed.GetValue(GlobalOptions.Json);
            var plan = RegistryApplier.Plan(GlobalOptions.Repo(parsed).Config, TimeProvider.System);
            ChangeLines.Print(json, plan.Changes);
            if (!json)
            {
                Console.Out.WriteLine(Last(plan));
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static string Last(ApplyResult plan) => plan switch
    {
        { Changes.Count: 0 } => "The registry already says what the definitions say.",
        { Revision: "" } => "Nothing was written. Next: fstore apply",
        _ => $"Nothing was written. Next: fstore apply --if-revision {plan.Revision}",
    };
}
