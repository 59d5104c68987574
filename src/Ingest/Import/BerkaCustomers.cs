using System.Globalization;

namespace FeatureStore.Ingest.Import;

/// <summary>
/// The mapping <c>berka</c> of customers: one row for each account, of its OWNER. <c>day_start</c> is the day the account was opened, the
/// first on which the bank knew this person as this user; age is counted on that day. The data has no occupation.
/// </summary>
internal static class BerkaCustomers
{
    private const int WomensMonthShift = 50;
    private static readonly string[] Names = ["account", "client", "disp", "district"];

    /// <summary>The folder's four files, in the order that <see cref="Read"/> takes.</summary>
    public static IReadOnlyList<string> Files(string path) => Directory.Exists(path)
        ? Names.Select(name => ImportFiles.Named(path, name)).ToArray()
        : throw new ImportException($"{path} is not a folder; customers come from several files ({string.Join(", ", Names)}), so name their folder.");

    /// <summary>Rows in the order of the accounts' file, as <see cref="ImportTable.Customers"/> has its columns.</summary>
    /// <exception cref="ImportException">A line cannot be read, or names an account, client or district that is not there.</exception>
    public static IEnumerable<object?[]> Read(IReadOnlyList<string> files)
    {
        var districts = Keyed(files[3], "A1", line => line.Required("A2"));
        var clients = Keyed(files[1], "client_id", line => Client(line, districts));
        var owners = new Dictionary<string, Person>(StringComparer.Ordinal);
        using (var lines = CsvRows.Open(files[2], ';'))
        {
            while (lines.Next())
            {
                if (lines.Required("type") == "OWNER" && !owners.TryAdd(lines.Required("account_id"), Find(lines, "client_id", clients)))
                {
                    throw lines.Fault("account_id", lines.Field("account_id"), "an account with one OWNER, it has a second");
                }
            }
        }

        using var accounts = CsvRows.Open(files[0], ';');
        while (accounts.Next())
        {
            var owner = Find(accounts, "account_id", owners);
            var opened = accounts.Day("date", "19", "yyyyMMdd", "a day as YYMMDD");
            yield return [accounts.Required("account_id"), Age(owner.Born, opened), owner.Gender, owner.Location, null, opened];
        }
    }

    private static Dictionary<string, T> Keyed<T>(string file, string key, Func<CsvRows, T> value)
    {
        var values = new Dictionary<string, T>(StringComparer.Ordinal);
        using var lines = CsvRows.Open(file, ';');
        while (lines.Next())
        {
            values[lines.Required(key)] = value(lines);
        }

        return values;
    }

    private static T Find<T>(CsvRows line, string column, Dictionary<string, T> values) =>
        values.TryGetValue(line.Required(column), out var value) ? value : throw line.Fault(column, line.Field(column), "known in the data set's other files");

    // birth_number is YYMMDD, and women have 50 added to the month.
    private static Person Client(CsvRows line, Dictionary<string, string> districts)
    {
        var number = line.Required("birth_number");
        if (number.Length == 6 && int.TryParse(number.AsSpan(2, 2), NumberStyles.None, CultureInfo.InvariantCulture, out var month))
        {
            var isWoman = month > WomensMonthShift;
            var text = $"19{number[..2]}{(isWoman ? month - WomensMonthShift : month):00}{number[4..]}";
            if (DateOnly.TryParseExact(text, "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var born))
            {
                return new Person(born, isWoman ? "F" : "M", Find(line, "district_id", districts));
            }
        }

        throw line.Fault("birth_number", number, "a day of birth as YYMMDD, for women with 50 added to the month");
    }

    private static int Age(DateOnly born, DateOnly day)
    {
        var years = day.Year - born.Year;
        return born.AddYears(years) > day ? years - 1 : years;
    }

    private sealed record Person(DateOnly Born, string Gender, string Location);
}
