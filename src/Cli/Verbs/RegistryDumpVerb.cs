using System.CommandLine;
using FeatureStore.Registry.Inspection;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore registry-dump</c>: everything the registry holds of the project, as Feast prints it.</summary>
internal static class RegistryDumpVerb
{
    public static Command Create()
    {
        var command = new Command("registry-dump", "Print the project's part of the registry as JSON. Example: fstore registry-dump");
        command.SetAction(parsed =>
        {
            var repo = GlobalOptions.Repo(parsed);
            Console.Out.WriteLine(RegistryJson.Dump(repo.Registry().Load(), repo.Config.Project, indented: !parsed.GetValue(GlobalOptions.Json)));
            return ExitCodes.Ok;
        });
        return command;
    }
}
