using System.Globalization;
using System.Security.Cryptography;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>Brings labels into the table <c>label</c>, in their order, each checked for a time.</summary>
/// <param name="pins">Offers every table of the lake to a query of labels, at its pinned version, under its path as a name.</param>
internal sealed class LabelLoader(DuckDbConnection connection, LakePins pins, LabelInput input)
{
    private const string TimeColumn = "event_timestamp";
    private const string Raw = "label_text";
    private const string Text = "VARCHAR";
    private const string Query = "The query of labels";
    private static readonly byte[] ParquetMagic = "PAR1"u8.ToArray();

    private string Origin => input.Path ?? Query;

    /// <exception cref="LabelException">The labels cannot be read, or one has no time; the message names its place.</exception>
    public LabelTable Load(CancellationToken cancellationToken)
    {
        var source = input.Sql is { } sql ? FromQuery(sql, cancellationToken)
            : IsParquet(input.Path!) ? FromParquet(input.Path!, cancellationToken)
            : FromCsv(input.Path!, cancellationToken);
        var columns = source.Columns;
        if (columns.GroupBy(c => c.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new LabelException($"{Origin}: there are {twice.Count()} columns called {twice.Key}. Give each column its own name.");
        }

        var time = TimeIndex(columns);
        var (micros, naive) = Time(time, source, cancellationToken);
        connection.Execute($"CREATE OR REPLACE TABLE {LabelTable.Name} AS SELECT *, {micros} AS t FROM ({source.Select}); DROP TABLE IF EXISTS {Raw}", cancellationToken);
        RefuseTimeless(columns[time], time, source.Place, cancellationToken);
        var counts = connection.Texts($"SELECT count(*), count(*) FILTER ({naive}), coalesce(min(t), 0), coalesce(max(t), 0) FROM {LabelTable.Name}", cancellationToken)[0]
            .Select(n => long.Parse(n!, CultureInfo.InvariantCulture)).ToArray();
        return new LabelTable(columns, time, counts[0], counts[1], source.Sha256, counts[2], counts[3], source.Place);
    }

    private static bool IsParquet(string path)
    {
        if (!File.Exists(path))
        {
            throw new LabelException(Directory.Exists(path)
                ? $"{path} is a folder. Name one Parquet or CSV file of labels, or read many with --labels-sql \"SELECT * FROM read_parquet('{path}/*.parquet')\"."
                : $"{path} does not exist. Name a Parquet or CSV file of labels.");
        }

        using var file = File.OpenRead(path);
        var magic = new byte[ParquetMagic.Length];
        return file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == magic.Length && magic.AsSpan().SequenceEqual(ParquetMagic);
    }

    private Source FromParquet(string path, CancellationToken cancellationToken)
    {
        var select = $"SELECT * FROM read_parquet({LakeSql.Text(path)}, hive_partitioning = false)";
        try
        {
            return Named(select, row => $"{path}, row {row + 1}", Hash(path), cancellationToken);
        }
        catch (DuckDbException e)
        {
            throw new LabelException($"{path} begins as Parquet and cannot be read: {e.Message.Split('\n')[0].Trim()}. Write the file anew.", e);
        }
    }

    private Source FromCsv(string path, CancellationToken cancellationToken)
    {
        try
        {
            var csv = CsvLabels.Open(path);
            try
            {
                connection.Execute($"CREATE OR REPLACE TABLE {Raw} AS SELECT * FROM {csv.Rows}", cancellationToken);
            }
            catch (DuckDbException e)
            {
                throw csv.Fault(e);
            }

            var columns = csv.Header.Zip(csv.Types(connection, Raw, cancellationToken), (name, type) => new LabelColumn(name, type)).ToList();
            var typed = columns.Select((c, i) => c.Type == Text ? $"c{i}" : $"CAST(c{i} AS {c.Type}) AS c{i}");
            return new Source($"SELECT {string.Join(", ", typed)} FROM {Raw}", columns, row => $"{path}, line {csv.LineOf(row)}", Hash(path));
        }
        catch (InvalidDataException e)
        {
            throw new LabelException($"{path} is no whole gzip file: {e.Message} Compress it anew, or give it without .gz.", e);
        }
    }

    private Source FromQuery(string sql, CancellationToken cancellationToken)
    {
        try
        {
            var offered = pins.All(cancellationToken).Select(t => (Name: LakeSql.Name(t.Path), Rows: LakeSql.Files(t.Root, t.Snapshot!.Files.Values, t.Columns))).ToList();
            connection.Execute(string.Concat(offered.Select(t => $"CREATE TEMP VIEW {t.Name} AS SELECT * FROM {t.Rows};")), cancellationToken);

            // On one thread a query gives its rows in one order, also where it asks for none.
            var threads = LakeDatabase.Threads(connection, cancellationToken);
            connection.Execute("SET threads = 1", cancellationToken);
            var source = Named(sql.Trim().TrimEnd(';'), row => $"{Query}, row {row + 1}", null, cancellationToken);
            connection.Execute($"CREATE OR REPLACE TABLE {Raw} AS {source.Select}; SET threads = {threads}", cancellationToken);

            // From here on tables of the join may have the name of one.
            connection.Execute(string.Concat(offered.Select(t => $"DROP VIEW {t.Name};")), cancellationToken);
            return source with { Select = $"SELECT * FROM {Raw}" };
        }
        catch (DuckDbException e)
        {
            throw new LabelException($"{Query} failed: {e.Message.TrimEnd()}", e);
        }
    }

    private Source Named(string select, Func<long, string> place, string? sha256, CancellationToken cancellationToken)
    {
        var columns = connection.Describe(select, cancellationToken).Select(c => new LabelColumn(c.Name, c.Type)).ToList();
        return new Source($"SELECT * FROM ({select}) source({string.Join(", ", columns.Select((_, i) => $"c{i}"))})", columns, place, sha256);
    }

    private int TimeIndex(IReadOnlyList<LabelColumn> columns)
    {
        var name = input.TimeColumn ?? TimeColumn;
        for (var i = 0; i < columns.Count; i++)
        {
            if (columns[i].Name == name)
            {
                return i;
            }
        }

        int[] times = input.TimeColumn is null ? [.. columns.Index().Where(c => c.Item.Type.StartsWith("TIMESTAMP", StringComparison.Ordinal)).Select(c => c.Index)] : [];
        return times.Length == 1
            ? times[0]
            : throw new LabelException($"{Origin} has no column {name}; it has {string.Join(", ", columns.Select(c => c.Name))}. Name the column of the labels' times with --time-column.");
    }

    /// <summary>The time in microseconds, null where there is none, and a condition for times without a zone.</summary>
    private (string Micros, string Naive) Time(int index, Source source, CancellationToken cancellationToken)
    {
        var column = source.Columns[index];
        var cell = $"c{index}";
        switch (column.Type)
        {
            case "TIMESTAMP WITH TIME ZONE":
                return ($"epoch_us({cell})", "false");
            case "TIMESTAMP" or "TIMESTAMP_NS" or "TIMESTAMP_MS" or "TIMESTAMP_S":
                return ($"epoch_us({cell})", "true");
            case "DATE":
                return ($"epoch_us(CAST({cell} AS TIMESTAMP))", "true");
            case Text:
                RefuseUnknownZones(index, source, cancellationToken);
                return (ZonedText.Micros(cell), $"{ZonedText.Zone(cell)} = ''");
            default:
                throw new LabelException($"{Origin}: column {column.Name} is {column.Type}, no time. Write times as 2026-11-02T00:00:00Z, or make it a timestamp column.");
        }
    }

    private void RefuseUnknownZones(int index, Source source, CancellationToken cancellationToken)
    {
        var unknown = connection.Texts(
            $"""
            SELECT number, zone FROM (SELECT row_number() OVER () - 1 AS number, {ZonedText.Zone($"c{index}")} AS zone FROM ({source.Select}))
            WHERE {ZonedText.IsNamed("zone")} AND zone NOT IN (SELECT name FROM pg_timezone_names()) ORDER BY number LIMIT 1
            """,
            cancellationToken);
        if (unknown is [[{ } row, { } zone]])
        {
            throw new LabelException($"{At(row, source.Place)}, column {source.Columns[index].Name}: there is no time zone '{zone}'. Write an offset as in 2026-11-02T00:00:00+01:00, or a name as Europe/Berlin.");
        }
    }

    private void RefuseTimeless(LabelColumn column, int index, Func<long, string> place, CancellationToken cancellationToken)
    {
        var outside = $"t NOT BETWEEN {LakeSql.Number(LakeTime.Least)} AND {LakeSql.Number(LakeTime.Greatest)}";
        var bad = connection.Texts($"SELECT rowid, CAST(c{index} AS VARCHAR) FROM {LabelTable.Name} WHERE t IS NULL OR {outside} ORDER BY rowid LIMIT 1", cancellationToken);
        if (bad is [[{ } row, var text]])
        {
            throw new LabelException(text is null
                ? $"{At(row, place)}, column {column.Name}: the label has no time. Give every label one."
                : $"{At(row, place)}, column {column.Name}: '{text}' is no time. Write it as 2026-11-02T00:00:00Z, or with an offset.");
        }
    }

    private static string At(string row, Func<long, string> place) => place(long.Parse(row, CultureInfo.InvariantCulture));

    private static string Hash(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <param name="Select">The rows in their order, columns <c>c0, c1, …</c>.</param>
    private sealed record Source(string Select, IReadOnlyList<LabelColumn> Columns, Func<long, string> Place, string? Sha256);
}
