using System.CommandLine;
using FeatureStore.Cli.Output;
using FeatureStore.Registry.Inspection;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore feature-views list</c>, <c>fstore entities describe NAME</c> and so on: one command for each of Feast's nouns.</summary>
internal static class RegistryObjectsVerb
{
    public static IEnumerable<Command> CreateAll() => RegistryObjectKind.All.Select(Create);

    private static Command Create(RegistryObjectKind kind) =>
        new(kind.Noun, $"List and describe {Words(kind)} of the registry.") { List(kind), Describe(kind) };

    private static Command List(RegistryObjectKind kind)
    {
        var command = new Command("list", $"Example: fstore {kind.Noun} list");
        command.SetAction(parsed =>
        {
            var repo = GlobalOptions.Repo(parsed);
            var json = parsed.GetValue(GlobalOptions.Json);
            var rows = kind.List(repo.Registry().Load(), repo.Config.Project);
            Answer.Rows(json, kind.Columns, rows.Select(row => json ? row : [.. row.Select(Cell)]));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Describe(RegistryObjectKind kind)
    {
        var name = new Argument<string>("name") { Description = "Its name in the registry." };
        var command = new Command("describe", $"Print one as JSON. Example: fstore {kind.Noun} describe NAME") { name };
        command.SetAction(parsed =>
        {
            var repo = GlobalOptions.Repo(parsed);
            var registry = repo.Registry().Load();
            if (kind.Describe(registry, repo.Config.Project, parsed.GetValue(name)!, indented: !parsed.GetValue(GlobalOptions.Json)) is { } text)
            {
                Console.Out.WriteLine(text);
                return ExitCodes.Ok;
            }

            var known = kind.List(registry, repo.Config.Project).Select(row => row[0]).ToArray();
            Console.Error.WriteLine(
                $"fstore: {parsed.GetValue(name)}: no such one among the {Words(kind)} of project '{repo.Config.Project}'; "
                + (known.Length == 0 ? "there are none." : $"there are: {string.Join(", ", known)}."));
            return ExitCodes.No;
        });
        return command;
    }

    private static object Cell(object value) => value switch
    {
        string[] texts => string.Join(", ", texts),
        bool flag => flag ? "true" : "false",
        _ => value,
    };

    private static string Words(RegistryObjectKind kind) => kind.Noun.Replace('-', ' ');
}
