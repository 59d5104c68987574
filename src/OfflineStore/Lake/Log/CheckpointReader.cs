using System.Text.Json;
using FeatureStore.DuckDb;

namespace FeatureStore.OfflineStore.Lake.Log;

/// <summary>
/// Reads a checkpoint's rows, each of which has one action. Files, of which there are many, come as columns; the others, of which there are few, as the
/// JSON that a commit would hold.
/// </summary>
internal sealed class CheckpointReader : IDisposable
{
    // Writers leave out what they do not know, so what is read is added as columns without rows.
    private const string AddType = "STRUCT(path VARCHAR, \"partitionValues\" MAP(VARCHAR, VARCHAR), size BIGINT, \"modificationTime\" BIGINT, stats VARCHAR, tags MAP(VARCHAR, VARCHAR))";
    private readonly DuckDbDatabase _database = LakeDatabase.Open();
    private readonly DuckDbConnection _connection;
    private readonly Dictionary<string, IReadOnlyDictionary<string, string?>> _maps = [];
    private readonly Dictionary<string, IReadOnlyDictionary<string, string>> _tags = [];

    public CheckpointReader(CancellationToken cancellationToken) => _connection = LakeDatabase.Connect(_database, cancellationToken);

    /// <summary>The actions that are no live files, with the row's number.</summary>
    /// <exception cref="DuckDbException">The file cannot be read as Parquet.</exception>
    public IEnumerable<(int Row, string Json)> Others(string path, CancellationToken cancellationToken)
    {
        var row = 0;
        using var reader = _connection.Query($"SELECT CAST(to_json(action) AS VARCHAR) FROM {Parquet(path)} action WHERE \"add\" IS NULL", cancellationToken);
        while (reader.NextChunk())
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                yield return (++row, reader.Text(0, r));
            }
        }
    }

    /// <summary>The live files, paths as they stand.</summary>
    /// <exception cref="DuckDbException">The file cannot be read as Parquet, or has other types than a checkpoint.</exception>
    public IEnumerable<DeltaFile> Files(string path, CancellationToken cancellationToken)
    {
        using var reader = _connection.Query(
            $"""
            SELECT f.path, CAST(to_json(f."partitionValues") AS VARCHAR), CAST(f.size AS BIGINT), CAST(f."modificationTime" AS BIGINT), f.stats, CAST(to_json(f.tags) AS VARCHAR)
            FROM (SELECT CAST(NULL AS {AddType}) AS f WHERE false UNION ALL BY NAME SELECT "add" AS f FROM {Parquet(path)} WHERE "add" IS NOT NULL)
            """,
            cancellationToken);
        while (reader.NextChunk())
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                yield return new DeltaFile(
                    reader.Text(0, r),
                    Map(Text(reader, 1, r)),
                    reader.Int64(2, r),
                    reader.IsNull(3, r) ? 0 : reader.Int64(3, r),
                    Text(reader, 4, r),
                    Tags(Text(reader, 5, r)));
            }
        }
    }

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    private static string Parquet(string path) => $"read_parquet({LakeSql.Path(path)}, hive_partitioning = false)";

    private static string? Text(DuckDbReader reader, int column, int row) => reader.IsNull(column, row) ? null : reader.Text(column, row);

    // Files share their partitions' values and their tags, so each text is parsed once.
    private IReadOnlyDictionary<string, string?> Map(string? json)
    {
        if (!_maps.TryGetValue(json ?? "{}", out var map))
        {
            map = JsonSerializer.Deserialize<Dictionary<string, string?>>(json ?? "{}")!;
            _maps[json ?? "{}"] = map;
        }

        return map;
    }

    private IReadOnlyDictionary<string, string> Tags(string? json)
    {
        if (!_tags.TryGetValue(json ?? "{}", out var tags))
        {
            tags = Map(json).Where(t => t.Value is not null).ToDictionary(t => t.Key, t => t.Value!);
            _tags[json ?? "{}"] = tags;
        }

        return tags;
    }
}
