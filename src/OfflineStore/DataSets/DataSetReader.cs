using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.DataSets;

/// <summary>A column of a data set.</summary>
/// <param name="Type">DuckDB's name of it.</param>
public sealed record DataSetField(string Name, string Type)
{
    /// <summary>Whether it can be read as numbers: truth values count as 0 and 1.</summary>
    public bool IsNumber => Type is "BOOLEAN" or "FLOAT" or "DOUBLE" || Type.EndsWith("INT", StringComparison.Ordinal) || Type is "INTEGER" || Type.StartsWith("DECIMAL", StringComparison.Ordinal);
}

/// <summary>Columns of a data set in the order of its rows.</summary>
/// <param name="Numbers">By column and row; NaN is null.</param>
/// <param name="Times">Microseconds since the epoch.</param>
/// <param name="Keys">The key columns of each row as one text; empty without key columns.</param>
public sealed record DataSetColumns(int Rows, IReadOnlyList<double[]> Numbers, long[] Times, string[] Keys);

/// <summary>A data set cannot be read as asked; the message names it and the way out.</summary>
public sealed class DataSetException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>Reads a data set whole, for training: a Parquet or CSV file (gzip too), or a folder of Parquet files.</summary>
public sealed class DataSetReader
{
    private const int RowsMax = 20_000_000;
    private const long ValuesMax = 400_000_000;
    private const char KeySeparator = '\u001f';

    private readonly string _from;
    private readonly LakeOptions _options;

    private DataSetReader(IReadOnlyList<string> files, string from, IReadOnlyList<DataSetField> fields, LakeOptions options)
    {
        Files = files;
        _from = from;
        Fields = fields;
        _options = options;
    }

    /// <summary>The data's files, in the order of their rows.</summary>
    public IReadOnlyList<string> Files { get; }

    public IReadOnlyList<DataSetField> Fields { get; }

    /// <param name="files">Files of a folder in the order of their rows; null sorts them by path.</param>
    /// <exception cref="DataSetException">There is no data, or of no kind that is read.</exception>
    public static DataSetReader Open(string path, LakeOptions options, CancellationToken cancellationToken, IReadOnlyList<string>? files = null)
    {
        var found = files ?? Find(path);
        var list = string.Join(", ", found.Select(LakeSql.Text));
        var from = IsCsv(found[0]) ? $"read_csv([{list}], header = true, sample_size = -1)" : $"read_parquet([{list}], hive_partitioning = false)";
        return Run(path, options, cancellationToken, connection =>
        {
            var fields = new List<DataSetField>();
            using var reader = connection.Query($"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {from})", cancellationToken);
            while (reader.NextChunk())
            {
                for (var row = 0; row < reader.RowCount; row++)
                {
                    fields.Add(new DataSetField(reader.Text(0, row), reader.Text(1, row)));
                }
            }

            return new DataSetReader(found, from, fields, options);
        });
    }

    /// <summary>SHA-256 of the file; of several, that of their hashes, a line each.</summary>
    public string Sha256()
    {
        var hashes = Files.Select(f =>
        {
            using var stream = File.OpenRead(f);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        }).ToArray();
        return hashes.Length == 1 ? hashes[0] : Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Concat(hashes.Select(h => h + "\n")))));
    }

    /// <param name="numbers">Columns of numbers.</param>
    /// <param name="time">The column of times; one without a zone is UTC.</param>
    /// <param name="keys">Columns that tell the entities apart.</param>
    /// <exception cref="DataSetException">A column is missing or of another type, a time is null, or there are too many rows.</exception>
    public DataSetColumns Read(IReadOnlyList<string> numbers, string time, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        foreach (var name in numbers.Append(time).Concat(keys))
        {
            var field = Fields.FirstOrDefault(f => f.Name == name) ?? throw new DataSetException($"The data set has no column '{name}'; it has {string.Join(", ", Fields.Select(f => f.Name))}.");
            if (numbers.Contains(name) && !field.IsNumber)
            {
                throw new DataSetException($"Column '{name}' is {field.Type}, and only numbers are trained on.");
            }
        }

        string[] terms =
        [
            .. numbers.Select(n => $"CAST({LakeSql.Name(n)} AS DOUBLE)"),
            $"epoch_us(CAST({LakeSql.Name(time)} AS TIMESTAMPTZ))",
            .. keys.Select(k => $"CAST({LakeSql.Name(k)} AS VARCHAR)"),
        ];
        return Run(Files[0], _options, cancellationToken, connection => Read(connection, terms, numbers.Count, time, cancellationToken));
    }

    private DataSetColumns Read(DuckDbConnection connection, string[] terms, int numbers, string time, CancellationToken cancellationToken)
    {
        var columns = Enumerable.Range(0, numbers).Select(_ => new List<double>()).ToArray();
        var times = new List<long>();
        var keys = new List<string>();
        using var reader = connection.Query($"SELECT {string.Join(", ", terms)} FROM {_from}", cancellationToken);
        while (reader.NextChunk())
        {
            for (var row = 0; row < reader.RowCount; row++)
            {
                for (var c = 0; c < numbers; c++)
                {
                    columns[c].Add(reader.IsNull(c, row) ? double.NaN : reader.Double(c, row));
                }

                times.Add(reader.IsNull(numbers, row)
                    ? throw new DataSetException(string.Create(CultureInfo.InvariantCulture, $"Row {times.Count + 1:N0} has no '{time}'; the split is by time, so every row needs one."))
                    : reader.Int64(numbers, row));
                keys.Add(string.Join(KeySeparator, Enumerable.Range(numbers + 1, terms.Length - numbers - 1).Select(k => reader.IsNull(k, row) ? string.Empty : reader.Text(k, row))));
            }

            if (times.Count > RowsMax || (long)times.Count * numbers > ValuesMax)
            {
                throw new DataSetException(string.Create(CultureInfo.InvariantCulture, $"The data set has more than {Math.Min(RowsMax, ValuesMax / Math.Max(1, numbers)):N0} rows of {numbers} columns, which is what is trained on at once; export fewer labels."));
            }
        }

        return new DataSetColumns(times.Count, [.. columns.Select(c => c.ToArray())], [.. times], [.. keys]);
    }

    private static T Run<T>(string path, LakeOptions options, CancellationToken cancellationToken, Func<DuckDbConnection, T> read)
    {
        using var database = LakeDatabase.Open(options);
        using var connection = LakeDatabase.Connect(database, cancellationToken);
        try
        {
            return read(connection);
        }
        catch (DuckDbException e)
        {
            throw new DataSetException($"'{path}' cannot be read as a data set: {e.Message.Split('\n')[0].Trim()}", e);
        }
    }

    private static IReadOnlyList<string> Find(string path)
    {
        if (Directory.Exists(path))
        {
            string[] files = [.. Directory.EnumerateFiles(path, "*.parquet", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
            return files.Length > 0 ? files : throw new DataSetException($"There is no Parquet file in '{path}'.");
        }

        return !File.Exists(path) ? throw new DataSetException($"There is no data set '{path}'.")
            : IsCsv(path) || path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase) ? [path]
            : throw new DataSetException($"'{path}' is neither .parquet nor .csv or .csv.gz, nor a folder of Parquet files.");
    }

    private static bool IsCsv(string path) => path.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".csv.gz", StringComparison.OrdinalIgnoreCase);
}
