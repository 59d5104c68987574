using System.Globalization;
using System.Text.Json;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Tests.Debezium;

/// <summary>
/// Every topic that real connectors sent, in each converter and mode, ingested: the rows are those that PostgreSQL holds after the workload. Rows whose
/// birth is in no recorded message cannot be told, and are left out on both sides.
/// </summary>
public sealed class RecordedWorkloadTests(BankDatabase database) : IClassFixture<BankDatabase>
{
    // Of these a case that others build on was not recorded: a table's creation, a sequence's step, the change of a key, the row that moves to another partition.
    private static readonly string[] NotWhole = ["public.teen", "public.defaults", "public.key_index", "public.part_us"];

    private const string Least = "-62135596800000000";
    private const string Greatest = "253402300799999999";
    private const int MicrosPerMillisecond = 1_000;

    public static TheoryData<string> Runs =>
        ["json", "schema", "ops", "notomb", "keycols", "root", "flat_default", "flat_rewrite", "flat_tomb", "m_string", "m_double", "m_tmicro", "m_nano", "m_iso", "m_struct", "replay_iso"];

    [SkippableTheory]
    [MemberData(nameof(Runs))]
    public void Ingest_EveryTopicOfARun_GivesTheRowsOfTheWorkload(string run)
    {
        using var lake = new TopicLake();
        var topics = RecordedTopics.Of(run);
        var compared = 0;
        foreach (var table in BankTables.Plain.Append(BankTables.Types(run)).Where(t => topics[t.Topic].Any() && !NotWhole.Contains(t.Name) && (run, t.Name) != ("root", "public.part_eu")))
        {
            var landed = lake.Ingest(table, [.. topics[table.Topic].Select(r => r.Message)]);
            var letters = lake.Letters(table);
            if (table.Key.Length == 0 && run.StartsWith("flat_", StringComparison.Ordinal))
            {
                // A flattened update does not tell which of the rows without a key it was.
                Assert.NotEmpty(letters);
                Assert.All(letters, l => Assert.Contains("REPLICA IDENTITY FULL", l.Reason, StringComparison.Ordinal));
                continue;
            }

            if (table.Name != "public.types")
            {
                Assert.True(letters.Count == 0, $"{run} {table.Name}: {letters.FirstOrDefault()}");
            }

            var rows = database.Rows(table, truncates: run is "ops" or "root");
            var born = Born(run, table);
            born?.ExceptWith(rows.Where(r => IsMisreadBySnapshots(table, r)).Select(r => KeyOf(table, r)));
            var expected = Texts(table, rows.Where(r => born is null || born.Contains(KeyOf(table, r))).Select(r => AsSent(run, table, r)));
            var actual = Texts(table, lake.Rows(table).Where(r => born is null || born.Contains(KeyOf(table, r))));
            Assert.True(
                expected.SequenceEqual(actual),
                $"{run} {table.Name} ({landed}): missing [{string.Join("; ", expected.Except(actual).Take(3))}], too many [{string.Join("; ", actual.Except(expected).Take(3))}], first letter {letters.FirstOrDefault()}");
            compared++;
        }

        Assert.True(compared > 0, $"{run}: nothing was compared");
    }

    // A snapshot sends an infinite date as some other number, and one before Christ as one after; the rows before the snapshot have small ids.
    private static bool IsMisreadBySnapshots(BankTable table, string?[] row) =>
        Array.FindIndex(table.Columns, c => c.Column == "c_date") is >= 0 and var date && row[date] is { } text && !char.IsDigit(text[^1]) && row[0]!.Length <= 3;

    // Keys of rows whose first message is their create or a snapshot's read; null if the table has no key.
    private static HashSet<string>? Born(string run, BankTable table)
    {
        if (table.Key.Length == 0)
        {
            return null;
        }

        var born = new HashSet<string>();
        var seen = new HashSet<string>();
        foreach (var (record, message) in RecordedTopics.Of(run is "flat_default" or "flat_rewrite" or "notomb" or "keycols" ? "json" : run)[table.Topic])
        {
            if (RecordedTopics.Event(record) is not { } value || !(value.TryGetProperty("op", out var op) || value.TryGetProperty("__op", out op)) || op.GetString() == "t")
            {
                continue;
            }

            var image = RecordedTopics.Image(value);
            var key = string.Join('|', table.Key.Select(k => image.GetProperty(k).ToString()));
            var isBirth = op.GetString() is "c" or "r" && (!message.CreateHalf || born.Contains(OldKey(table, record)));
            if (seen.Add(key) && isBirth)
            {
                born.Add(key);
            }
        }

        return born;
    }

    private static string OldKey(BankTable table, JsonElement record)
    {
        var header = record.GetProperty("headers").EnumerateArray().First(h => h[0].GetString() == "__debezium.oldkey")[1];
        using var json = JsonDocument.Parse(header.ValueKind == JsonValueKind.String ? header.GetString()! : header.GetRawText());
        return string.Join('|', table.Key.Select(k => json.RootElement.TryGetProperty(k, out var value) ? value.ToString() : "?"));
    }

    private static string KeyOf(BankTable table, string?[] row) =>
        string.Join('|', table.Key.Select(k => row[Array.FindIndex(table.Columns, c => c.Column == k)]));

    /// <summary>PostgreSQL's row as the connector can send it at best; null if a column of it holds what no event of ours can say.</summary>
    private static string?[]? AsSent(string run, BankTable table, string?[] row)
    {
        var sent = new string?[row.Length];
        for (var c = 0; c < row.Length; c++)
        {
            var (name, type) = table.Columns[c];
            sent[c] = row[c] is not { } text ? null : type switch
            {
                LakeType.Timestamp => Time(run, name, text),
                LakeType.Date => text switch { "infinity" => "9999-12-31", "-infinity" => "0001-01-01", _ => text.EndsWith("BC", StringComparison.Ordinal) ? "?" : text },
                _ when name.StartsWith("c_numeric", StringComparison.Ordinal) => Numeric(run, type, text),
                _ => text,
            };
            if (sent[c] == "?")
            {
                return null;
            }
        }

        return sent;
    }

    private static string? Time(string run, string column, string text)
    {
        if (text is "infinity" or "-infinity")
        {
            return text == "infinity" ? Greatest : Least;
        }

        var micros = Int128.Parse(text, CultureInfo.InvariantCulture);
        var isZoned = column.StartsWith("c_tstz", StringComparison.Ordinal);
        if (run == "m_nano" && !isZoned && (micros > long.MaxValue / 1000 || micros < long.MinValue / 1000))
        {
            return null; // Nanoseconds have no such years, and the connector sends null.
        }

        if (micros < long.Parse(Least, CultureInfo.InvariantCulture) || micros > long.Parse(Greatest, CultureInfo.InvariantCulture))
        {
            return "?";
        }

        // The mode 'connect' cuts to milliseconds.
        return (run == "m_string" && !isZoned ? micros - (((micros % MicrosPerMillisecond) + MicrosPerMillisecond) % MicrosPerMillisecond) : micros).ToString(CultureInfo.InvariantCulture);
    }

    private static string? Numeric(string run, LakeType type, string text) => (text, run) switch
    {
        ("NaN" or "Infinity" or "-Infinity", "json" or "ops" or "schema" or "replay_iso") => null, // Bytes cannot say it.
        ("NaN", _) => type == LakeType.Double ? text : "NAN",
        ("Infinity", _) => type == LakeType.Double ? text : "POSITIVE_INFINITY",
        ("-Infinity", _) => type == LakeType.Double ? text : "NEGATIVE_INFINITY",
        _ => text,
    };

    private static List<string> Texts(BankTable table, IEnumerable<string?[]?> rows)
    {
        List<string> texts = [.. rows.OfType<string?[]>().Select(row => string.Join('|', row.Select((value, c) => Plain(table.Columns[c], value))))];
        texts.Sort(StringComparer.Ordinal);
        return texts;
    }

    // One way of writing numbers: floats by their value, exact numbers without zeros at the end.
    private static string Plain((string Column, LakeType Type) column, string? text) => (text, column.Type) switch
    {
        (null, _) => "∅",
        (_, LakeType.Double) when column.Column == "c_real" => float.Parse(text, CultureInfo.InvariantCulture).ToString("R", CultureInfo.InvariantCulture),
        (_, LakeType.Double) => double.Parse(text, CultureInfo.InvariantCulture).ToString("R", CultureInfo.InvariantCulture),
        _ when (column.Column.StartsWith("c_num", StringComparison.Ordinal) || column.Column == "c_money") && text.Contains('.', StringComparison.Ordinal) => text.TrimEnd('0').TrimEnd('.'),
        _ => text,
    };
}
