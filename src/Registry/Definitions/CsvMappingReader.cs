using FeatureStore.Registry.Validation;
using FeatureStore.Registry.Yaml;
using YamlDotNet.RepresentationModel;

namespace FeatureStore.Registry.Definitions;

/// <summary>One column of a mapping file, and its place: a file's column or a constant fills the table's column.</summary>
public sealed record CsvColumnDefinition(string Target, string? Source, string? TimeFormat, string? Constant, int Line, int Column);

/// <summary>A mapping file: how a CSV file's columns fill a table.</summary>
public sealed record CsvMappingDefinition(char Delimiter, IReadOnlyList<CsvColumnDefinition> Columns);

/// <summary>Reads mapping files, <c>mappings/*.yaml</c> by custom.</summary>
public static class CsvMappingReader
{
    /// <exception cref="DefinitionException">The file is absent or wrong; every fault is listed with its place.</exception>
    public static CsvMappingDefinition Read(string path)
    {
        var faults = new FaultList();
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DefinitionException([new Fault(path, 1, 1, $"The mapping file cannot be read ({e.Message}); name one that is there.")]);
        }

        var file = YamlText.Parse(text, path, faults);
        var mapping = file is null ? null : Mapping(file, faults);
        faults.ThrowIfAny();
        return mapping!;
    }

    private static CsvMappingDefinition Mapping(YamlBlock file, FaultList faults)
    {
        var delimiter = file.Text("delimiter") ?? ",";
        if (delimiter.Length != 1 || delimiter is "\"" or "\n" or "\r")
        {
            file.Fault("delimiter", "'delimiter' must be one character, as in ';' or \"\\t\" (in double quotes for a tab).");
        }

        var columns = new List<CsvColumnDefinition>();
        var block = file.Block("columns");
        if (block is null || !block.Keys.Any())
        {
            file.Fault("columns", "'columns' must say which column of the file fills each of the table's, as in 'user_id: customer'.");
        }

        foreach (var target in block?.Keys ?? [])
        {
            columns.Add(Column(block!, target, faults));
        }

        file.RejectUnread();
        return new CsvMappingDefinition(delimiter.Length > 0 ? delimiter[0] : ',', columns);
    }

    private static CsvColumnDefinition Column(YamlBlock block, string target, FaultList faults)
    {
        var place = block.PlaceOf(target);
        if (block.Node(target) is not YamlMappingNode)
        {
            return new CsvColumnDefinition(target, block.RequiredText(target, "name_in_the_file"), null, null, place.Line, place.Column);
        }

        var column = block.Block(target)!;
        var (source, constant) = (column.Text("source"), column.Text("constant"));
        if ((source is null) == (constant is null))
        {
            faults.Add(place, $"'{target}' must have either a 'source', a column of the file, or a 'constant'.");
        }

        var format = column.Text("time_format");
        column.RejectUnread();
        return new CsvColumnDefinition(target, source, format, constant, place.Line, place.Column);
    }
}
