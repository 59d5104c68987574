using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>
/// A CSV file of labels. Nothing of it is guessed by a sample: the header is read here, every cell as text, and a column is a number only if all of
/// its cells are.
/// </summary>
internal sealed partial class CsvLabels
{
    private const int HeaderCharsMax = 1 << 20;
    private static readonly char[] Separators = [',', ';', '\t', '|'];
    private readonly string _path;
    private readonly char _separator;

    private CsvLabels(string path, char separator, List<string> header)
    {
        (_path, _separator, Header) = (path, separator, header);
    }

    public IReadOnlyList<string> Header { get; }

    /// <summary>Every row, columns <c>c0, c1, …</c> as text, an empty cell null.</summary>
    public string Rows => $"read_csv({LakeSql.Text(_path)}, auto_detect = false, header = true, delim = {LakeSql.Text(_separator.ToString())}, quote = '\"', escape = '\"', "
        + $"columns = {{{string.Join(", ", Header.Select((_, i) => $"'c{i}': 'VARCHAR'"))}}})";

    /// <exception cref="LabelException">The file has no header, or one that names a column twice.</exception>
    public static CsvLabels Open(string path)
    {
        var first = FirstRecord(path);
        var separator = Separators.MaxBy(s => Cells(first, s).Count);
        var header = Cells(first, separator);
        if (header.All(string.IsNullOrWhiteSpace))
        {
            throw new LabelException($"{path}, line 1: there is no header. Write a first line that names the columns: user_id,event_timestamp.");
        }

        for (var i = 0; i < header.Count; i++)
        {
            if (header[i].Length == 0 || header.IndexOf(header[i]) < i)
            {
                throw new LabelException(header[i].Length == 0
                    ? $"{path}, line 1: column {i + 1} has no name. Name it, or remove the separator at its end."
                    : $"{path}, line 1: column {i + 1} is called {header[i]}, as column {header.IndexOf(header[i]) + 1} is. Give each column its own name.");
            }
        }

        return new CsvLabels(path, separator, header);
    }

    /// <summary>The type of each column whose every cell is such: BIGINT or DOUBLE; the other ones are VARCHAR. A number written as 007 is text.</summary>
    public List<string> Types(DuckDbConnection connection, string table, CancellationToken cancellationToken)
    {
        var questions = Header.Select((_, i) => $$"""
            CASE WHEN count(c{{i}}) = 0 THEN 'VARCHAR'
                WHEN bool_and(regexp_full_match(c{{i}}, '-?(0|[1-9][0-9]*)') AND TRY_CAST(c{{i}} AS BIGINT) IS NOT NULL) FILTER (c{{i}} IS NOT NULL) THEN 'BIGINT'
                WHEN bool_and(regexp_full_match(c{{i}}, '[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|-?(nan|NaN|inf|Infinity)') AND TRY_CAST(c{{i}} AS DOUBLE) IS NOT NULL) FILTER (c{{i}} IS NOT NULL) THEN 'DOUBLE'
                ELSE 'VARCHAR' END
            """);
        return [.. connection.Texts($"SELECT {string.Join(", ", questions)} FROM {table}", cancellationToken)[0].Select(t => t!)];
    }

    /// <summary>The line on which a row begins, counted from 1; rows are counted from 0 and may span lines.</summary>
    public int LineOf(long row)
    {
        using var text = Read(_path);
        var (line, quoted, blank) = (1, false, true);
        for (long record = -1; text.Read() is >= 0 and var c;)
        {
            if (record == row && !quoted && blank && c is not ('\n' or '\r'))
            {
                return line;
            }

            quoted ^= c == '"';
            line += c == '\n' ? 1 : 0;
            if (c == '\n' && !quoted)
            {
                record += blank ? 0 : 1;
                blank = true;
            }
            else if (c != '\r')
            {
                blank = false;
            }
        }

        return line;
    }

    /// <summary>DuckDB's complaint about the file, as its first words and its place.</summary>
    public LabelException Fault(DuckDbException e)
    {
        var line = LinePattern().Match(e.Message);
        var widths = WidthPattern().Match(e.Message);
        var what = widths.Success ? $"the row has {widths.Groups[2].Value} columns where the header has {widths.Groups[1].Value}. Quote a cell that holds the separator, or complete the row."
            : e.Message.Contains("unicode", StringComparison.Ordinal) ? "the file is not UTF-8. Save it in that encoding."
            : e.Message.Contains("unterminated quote", StringComparison.Ordinal) ? "a quoted cell does not end. Close the quote; a quote within a cell is written twice."
            : $"{e.Message.Split('\n').First(l => !l.StartsWith("Original Line", StringComparison.Ordinal))}.";
        return new LabelException($"{_path}{(line.Success ? $", line {line.Groups[1].Value}" : string.Empty)}: {what}", e);
    }

    private static string FirstRecord(string path)
    {
        using var text = Read(path);
        var record = new StringBuilder();
        var quoted = false;
        while (record.Length < HeaderCharsMax && text.Read() is >= 0 and var c && (quoted || c is not ('\n' or '\r')))
        {
            quoted ^= c == '"';
            record.Append((char)c);
        }

        return record.Length < HeaderCharsMax
            ? record.ToString()
            : throw new LabelException($"{path}: the first line is longer than {HeaderCharsMax} characters; the file is no CSV with a header. Give Parquet or CSV.");
    }

    private static StreamReader Read(string path)
    {
        var file = File.OpenRead(path);
        return new StreamReader(path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(file, CompressionMode.Decompress) : file, Encoding.UTF8);
    }

    private static List<string> Cells(string record, char separator)
    {
        var cells = new List<string>();
        var cell = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < record.Length; i++)
        {
            if (record[i] == '"' && quoted && i + 1 < record.Length && record[i + 1] == '"')
            {
                cell.Append(record[i++]);
            }
            else if (record[i] == '"')
            {
                quoted = !quoted;
            }
            else if (record[i] == separator && !quoted)
            {
                cells.Add(cell.ToString());
                cell.Clear();
            }
            else
            {
                cell.Append(record[i]);
            }
        }

        return [.. cells, cell.ToString()];
    }

    [GeneratedRegex(@"on Line: (\d+)")]
    private static partial Regex LinePattern();

    [GeneratedRegex(@"Expected Number of Columns: (\d+) Found: (\d+)")]
    private static partial Regex WidthPattern();
}
