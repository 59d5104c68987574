using System.Globalization;
using System.IO.Compression;
using CsvHelper;
using CsvHelper.Configuration;

namespace FeatureStore.Ingest.Import;

/// <summary>
/// The mapping <c>berka</c> of the PKDD'99 bank data: user is the account, vendor <c>bank:account</c> of the counterparty where
/// both are given, source the operation or else the purpose, time the day at 00:00 UTC.
/// </summary>
public static class BerkaTransactions
{
    private static readonly CsvConfiguration Format = new(CultureInfo.InvariantCulture) { Delimiter = ";" };
    private static readonly DateTime Epoch = DateTime.UnixEpoch;

    /// <summary>Rows in the file's order, as <see cref="ImportTable.Transactions"/> has its columns. The file is plain or gzip.</summary>
    /// <exception cref="ImportException">A line cannot be read.</exception>
    public static IEnumerable<object?[]> Read(string path)
    {
        using var file = Open(path);
        using var text = new StreamReader(path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file);
        using var csv = new CsvReader(text, Format);
        if (!Advance(csv, path))
        {
            throw new ImportException($"{path} is empty; it needs a header line.");
        }

        csv.ReadHeader();
        while (Advance(csv, path))
        {
            yield return Row(csv, path);
        }
    }

    private static FileStream Open(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImportException($"{path} cannot be read: {e.Message}", e);
        }
    }

    private static bool Advance(CsvReader csv, string path)
    {
        try
        {
            return csv.Read();
        }
        catch (Exception e) when (e is CsvHelperException or InvalidDataException or IOException)
        {
            throw new ImportException($"{path}, after line {csv.Context.Parser?.RawRow ?? 0}: the file is damaged ({e.GetType().Name}); get it anew.", e);
        }
    }

    private static object?[] Row(CsvReader csv, string path)
    {
        var bank = Field(csv, path, "bank").Trim();
        var account = Field(csv, path, "account").Trim();
        var operation = Field(csv, path, "operation").Trim();
        var purpose = Field(csv, path, "k_symbol").Trim();
        var date = Field(csv, path, "date");
        var amount = Field(csv, path, "amount");
        if (!DateTime.TryParseExact("19" + date, "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var day))
        {
            throw Fault(csv, path, "date", date, "a day as YYMMDD");
        }

        if (!double.TryParse(amount, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
        {
            throw Fault(csv, path, "amount", amount, "a number with a decimal point");
        }

        return
        [
            Required(csv, path, "account_id"),
            Required(csv, path, "trans_id"),
            value,
            bank.Length > 0 && account.Length > 0 && account != "0" ? $"{bank}:{account}" : null,
            operation.Length > 0 ? operation : purpose.Length > 0 ? purpose : null,
            (day - Epoch).Ticks / TimeSpan.TicksPerMicrosecond,
        ];
    }

    private static string Required(CsvReader csv, string path, string column) =>
        Field(csv, path, column) is { Length: > 0 } text ? text : throw Fault(csv, path, column, string.Empty, "a value");

    private static string Field(CsvReader csv, string path, string column) =>
        csv.TryGetField<string>(column, out var text) && text is not null
            ? text
            : throw new ImportException($"{path}, line {csv.Context.Parser!.RawRow}: there is no column '{column}'; is it the transactions file of this data set?");

    private static ImportException Fault(CsvReader csv, string path, string column, string text, string expected) =>
        new($"{path}, line {csv.Context.Parser!.RawRow}, column '{column}': '{text}' is not {expected}; mend the line and import again.");
}
