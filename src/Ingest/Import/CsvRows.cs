using System.Globalization;
using System.IO.Compression;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;

namespace FeatureStore.Ingest.Import;

/// <summary>
/// Lines of a CSV file with a header, UTF-8, plain or gzip (told by the name's end <c>.gz</c>). Every fault names file, line, column and the way out.
/// </summary>
internal sealed class CsvRows : IDisposable
{
    private readonly string _path;
    private readonly StreamReader _text;
    private readonly CsvReader _csv;

    private CsvRows(string path, StreamReader text, char delimiter)
    {
        _path = path;
        _text = text;
        _csv = new CsvReader(text, new CsvConfiguration(CultureInfo.InvariantCulture) { Delimiter = delimiter.ToString() });
    }

    /// <summary>Opens the file and reads its header.</summary>
    /// <exception cref="ImportException">It cannot be read or is empty.</exception>
    public static CsvRows Open(string path, char delimiter)
    {
        CsvRows rows;
        try
        {
            Stream file = File.OpenRead(path);
            var content = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
            var strict = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
            rows = new CsvRows(path, new StreamReader(content, strict), delimiter);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImportException($"{path} cannot be read: {e.Message}", e);
        }

        try
        {
            if (!rows.Next())
            {
                throw new ImportException($"{path} is empty; it needs a header line.");
            }

            rows._csv.ReadHeader();
            return rows;
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    /// <summary>Goes to the next line; false at the end.</summary>
    public bool Next()
    {
        try
        {
            return _csv.Read();
        }
        catch (Exception e) when (e is CsvHelperException or InvalidDataException or IOException or DecoderFallbackException)
        {
            throw new ImportException($"{_path}, after line {_csv.Context.Parser?.RawRow ?? 0}: the file is damaged ({e.GetType().Name}); get it anew.", e);
        }
    }

    /// <summary>The field as it is written, without surrounding spaces.</summary>
    public string Field(string column) => _csv.TryGetField<string>(column, out var text) && text is not null
        ? text.Trim()
        : throw new ImportException($"{_path}, line {_csv.Context.Parser!.RawRow}: there is no column '{column}'; is it the file that the mapping is for?");

    /// <summary>The field, null when it is empty.</summary>
    public string? Optional(string column) => Field(column) is { Length: > 0 } text ? text : null;

    /// <summary>The field, which must not be empty.</summary>
    public string Required(string column) => Optional(column) ?? throw Fault(column, string.Empty, "a value");

    /// <summary>The field as a day.</summary>
    /// <param name="expected">The format in words, for the error.</param>
    public DateOnly Day(string column, string prefix, string format, string expected) =>
        DateOnly.TryParseExact(prefix + Field(column), format, CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw Fault(column, Field(column), expected);

    /// <summary>The field as a number.</summary>
    public double Number(string column) =>
        double.TryParse(Field(column), NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Fault(column, Field(column), "a number with a decimal point");

    /// <summary>The error of a field that cannot be read.</summary>
    public ImportException Fault(string column, string text, string expected) =>
        new($"{_path}, line {_csv.Context.Parser!.RawRow}, column '{column}': '{text}' is not {expected}; mend the line and import again.");

    /// <inheritdoc/>
    public void Dispose()
    {
        _csv.Dispose();
        _text.Dispose();
    }
}
