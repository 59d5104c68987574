namespace FeatureStore.Ingest.Import;

/// <summary>
/// The mapping <c>berka</c> of the PKDD'99 bank data: user is the account, vendor <c>bank:account</c> of the counterparty where
/// both are given, source the operation or else the purpose, time the day at 00:00 UTC.
/// </summary>
internal static class BerkaTransactions
{
    /// <summary>Rows in the files' order, as <see cref="ImportTable.Transactions"/> has its columns.</summary>
    /// <exception cref="ImportException">A line cannot be read.</exception>
    public static IEnumerable<object?[]> Read(IReadOnlyList<string> files)
    {
        foreach (var file in files)
        {
            using var lines = CsvRows.Open(file, ';');
            while (lines.Next())
            {
                yield return Row(lines);
            }
        }
    }

    private static object?[] Row(CsvRows line)
    {
        var (bank, account) = (line.Optional("bank"), line.Optional("account"));
        var day = line.Day("date", "19", "yyyyMMdd", "a day as YYMMDD");
        return
        [
            line.Required("account_id"),
            line.Required("trans_id"),
            line.Number("amount"),
            bank is not null && account is not null and not "0" ? $"{bank}:{account}" : null,
            line.Optional("operation") ?? line.Optional("k_symbol"),
            ImportTable.Micros(day),
        ];
    }
}
