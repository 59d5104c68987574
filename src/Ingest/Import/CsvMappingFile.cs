using System.Globalization;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Definitions;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Ingest.Import;

/// <summary>A mapping of one's own, read from YAML and checked against the table that it fills.</summary>
public static class CsvMappingFile
{
    private static readonly DateTime SomeTime = new(2026, 11, 2, 13, 14, 15, DateTimeKind.Utc);

    /// <exception cref="DefinitionException">The file is absent or wrong; every fault is listed with its place and the way out.</exception>
    public static ImportMapping Load(ImportTable table, string path)
    {
        var definition = CsvMappingReader.Read(path);
        var faults = definition.Columns
            .Select(c => (Column: c, Message: Fault(table, c)))
            .Where(f => f.Message is not null)
            .Select(f => new Fault(path, f.Column.Line, f.Column.Column, f.Message!))
            .ToList();
        if (definition.Columns.All(c => c.Target != table.KeyColumn || c.Constant is not null))
        {
            faults.Add(new Fault(path, 1, 1, $"Nothing fills '{table.KeyColumn}', the key of {table.Name}; name its column of the file under 'columns'."));
        }

        return faults.Count > 0
            ? throw new DefinitionException(faults)
            : new CsvMapping(
                table,
                definition.Delimiter,
                [.. definition.Columns.Select(c => new CsvColumn(c.Target, c.Source ?? string.Empty, c.TimeFormat, c.Constant))]).ToImportMapping();
    }

    private static string? Fault(ImportTable table, CsvColumnDefinition column)
    {
        if (table.Columns.FirstOrDefault(c => c.Name == column.Target) is not { } target)
        {
            return $"'{column.Target}' is no column of {table.Name}; it has {string.Join(", ", table.Columns.Select(c => c.Name))}.";
        }

        if (column.TimeFormat is { } format && (target.Type is not (LakeType.Date or LakeType.Timestamp) || !IsFormat(format)))
        {
            return $"'time_format' of '{column.Target}' is '{format}'; write a .NET format such as yyyy-MM-dd HH:mm:ss, and only for a time or a day.";
        }

        return column.Constant is { } constant && CsvMapping.Parse(target.Type, constant, column.TimeFormat) is null
            ? $"The constant '{constant}' of '{column.Target}' is not {CsvMapping.Expected(target.Type, column.TimeFormat)}."
            : null;
    }

    private static bool IsFormat(string format)
    {
        try
        {
            return SomeTime.ToString(format, CultureInfo.InvariantCulture).Length > 0;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
