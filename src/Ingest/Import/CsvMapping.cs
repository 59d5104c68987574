using System.Globalization;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Import;

/// <summary>One column of a mapping of your own.</summary>
/// <param name="Target">The table's column.</param>
/// <param name="Source">The header of the file's column.</param>
/// <param name="TimeFormat">For timestamps and dates, a .NET format such as <c>yyyy-MM-dd HH:mm:ss</c>, read as UTC; ISO when null.</param>
/// <param name="Constant">The text of every row instead of a file's column; <paramref name="Source"/> is then not read.</param>
public sealed record CsvColumn(string Target, string Source, string? TimeFormat = null, string? Constant = null);

/// <summary>A mapping of any CSV file by its columns. An empty field is null; table columns without a source are null.</summary>
public sealed record CsvMapping(ImportTable Table, char Delimiter, IReadOnlyList<CsvColumn> Columns)
{
    private const string IsoDay = "yyyy-MM-dd";
    private const string IsoTime = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFK";

    /// <summary>The mapping for <see cref="Importer"/>: of a file, or of a folder's CSV files by name.</summary>
    /// <exception cref="ImportException">A target is not the table's, is named twice, or the key has no source.</exception>
    public ImportMapping ToImportMapping()
    {
        var targets = Columns.Select(c => c.Target).ToArray();
        if (targets.FirstOrDefault(t => Table.Columns.All(c => c.Name != t)) is { } unknown)
        {
            throw new ImportException($"The mapping fills '{unknown}', and the table {Table.Name} has only {string.Join(", ", Table.Columns.Select(c => c.Name))}.");
        }

        if (targets.Distinct().Count() < targets.Length || !targets.Contains(Table.KeyColumn))
        {
            throw new ImportException($"The mapping of {Table.Name} must fill each column at most once, and its key '{Table.KeyColumn}'.");
        }

        var name = string.Join('\n', Columns.Select(c => $"{c.Target}<{c.Source}<{c.TimeFormat}<{c.Constant}").Prepend($"csv{Delimiter}"));
        return new ImportMapping(name, Table, path => ImportFiles.Matching(path, string.Empty), Read);
    }

    private IEnumerable<object?[]> Read(IReadOnlyList<string> files)
    {
        var fields = Columns.Select(c => (Column: c, Index: Table.IndexOf(c.Target))).ToArray();
        var width = Table.Columns.Count;
        foreach (var file in files)
        {
            using var lines = CsvRows.Open(file, Delimiter);
            while (lines.Next())
            {
                var values = new object?[width];
                foreach (var (column, index) in fields)
                {
                    values[index] = (column.Constant ?? lines.Optional(column.Source)) is { } text ? Value(lines, column, Table.Columns[index], text) : null;
                }

                _ = values[Table.IndexOf(Table.KeyColumn)] ?? lines.Required(Columns.First(c => c.Target == Table.KeyColumn).Source);
                yield return values;
            }
        }
    }

    private static object Value(CsvRows line, CsvColumn column, LakeColumn target, string text) =>
        Parse(target.Type, text, column.TimeFormat) ?? throw line.Fault(column.Source, text, Expected(target.Type, column.TimeFormat));

    /// <summary>What <see cref="Parse"/> takes, in words.</summary>
    internal static string Expected(LakeType type, string? timeFormat) => type is LakeType.Date or LakeType.Timestamp
        ? $"a {type} as {timeFormat ?? (type == LakeType.Date ? IsoDay : IsoTime)}"
        : $"a value of type {type}";

    /// <summary>The text as the lake's CLR type, or null if it is none.</summary>
    internal static object? Parse(LakeType type, string text, string? timeFormat)
    {
        var culture = CultureInfo.InvariantCulture;
        return type switch
        {
            LakeType.String => text,
            LakeType.Int64 when long.TryParse(text, NumberStyles.AllowLeadingSign, culture, out var number) => number,
            LakeType.Int32 when int.TryParse(text, NumberStyles.AllowLeadingSign, culture, out var number) => number,
            LakeType.Double when double.TryParse(text, NumberStyles.Float, culture, out var number) => number,
            LakeType.Boolean when bool.TryParse(text, out var flag) => flag,
            LakeType.Date when DateOnly.TryParseExact(text, timeFormat ?? IsoDay, culture, DateTimeStyles.None, out var day) => day,
            LakeType.Timestamp when DateTime.TryParseExact(
                text, timeFormat ?? IsoTime, culture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) =>
                (time - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond,
            _ => null,
        };
    }
}
