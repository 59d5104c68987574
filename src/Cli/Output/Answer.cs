using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;

namespace FeatureStore.Cli.Output;

/// <summary>Prints data: for machines as one JSON object a line, for people as text or a table.</summary>
internal static class Answer
{
    private const int WidthWithoutTerminal = 500;

    public static JsonSerializerOptions JsonFormat { get; } = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    public static void Object(bool json, string text, object data) => Console.Out.WriteLine(json ? JsonSerializer.Serialize(data, JsonFormat) : text);

    /// <summary>Rows under their column names; a null prints empty, in JSON as null.</summary>
    public static void Rows(bool json, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object?>> rows)
    {
        if (json)
        {
            foreach (var row in rows)
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(columns.Zip(row).ToDictionary(c => c.First, c => c.Second), JsonFormat));
            }

            return;
        }

        var table = new Table().Border(TableBorder.Simple);
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(Markup.Escape(column)).NoWrap());
        }

        foreach (var row in rows)
        {
            table.AddRow(row.Select(v => Markup.Escape(Convert.ToString(v, CultureInfo.InvariantCulture) ?? string.Empty)).ToArray());
        }

        // Nobody wraps a pipe: without a terminal the table is as wide as its cells.
        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = WidthWithoutTerminal;
        }

        Console.Out.WriteLine();
        AnsiConsole.Write(table);
    }
}
