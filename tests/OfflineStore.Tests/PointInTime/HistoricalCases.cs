using System.Text.Json;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.DataSets;
using FeatureStore.OfflineStore.PointInTime;
using FeatureStore.Registry.Snapshot;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.OfflineStore.Tests.PointInTime;

/// <summary>A recorded retrieval of Feast's: its sources and labels as Parquet files, and what came out.</summary>
internal sealed class HistoricalCase(JsonElement json)
{
    public string Name => json.GetProperty("name").GetString()!;

    public bool HasLabels => json.GetProperty("entity_df").ValueKind != JsonValueKind.Null;

    public bool IsOnDemand => json.GetProperty("features").EnumerateArray().Any(f => f.GetString()!.StartsWith("od:", StringComparison.Ordinal));

    public string? Error => json.TryGetProperty("error_type", out var error) ? error.GetString() : null;

    public IReadOnlyList<string> Columns => [.. Texts(json.GetProperty("result").GetProperty("columns"))];

    /// <summary>The recorded types as DuckDB calls them.</summary>
    public IReadOnlyList<string> Types => [.. Texts(json.GetProperty("result").GetProperty("dtypes")).Select(Type)];

    public IReadOnlyList<string> Rows => [.. json.GetProperty("result").GetProperty("rows").EnumerateArray().Select(r => string.Join('|', r.EnumerateArray().Select(Cell)))];

    public static IReadOnlyList<HistoricalCase> Read(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "Historical", file)));
        return [.. document.RootElement.GetProperty("cases").EnumerateArray().Select(c => new HistoricalCase(c.Clone()))];
    }

    /// <summary>Exports the case's labels, and reads what was written.</summary>
    public DataSetRows Export(string folder, JoinRules rules)
    {
        Directory.CreateDirectory(folder);
        foreach (var source in json.GetProperty("sources").EnumerateObject())
        {
            Write(source.Value, Path.Combine(folder, source.Name + ".parquet"));
        }

        var labels = Path.Combine(folder, "labels.parquet");
        Write(json.GetProperty("entity_df"), labels);
        string[] features = [.. Texts(json.GetProperty("features"))];
        var isService = features is ["svc"];
        var known = json.GetProperty("options").TryGetProperty("filter_by_created_timestamp", out _) ? KnownTime.Commit : rules.KnownTime;
        var request = new TrainingRequest(
            new LabelInput(labels, null, null),
            isService ? [] : features,
            isService ? "svc" : null,
            json.GetProperty("full_feature_names").GetBoolean(),
            rules with { KnownTime = known },
            new Dictionary<string, long>());
        var target = DataSetTarget.Of(Path.Combine(folder, "out.parquet"));
        new TrainingExport(folder).Run(Snapshot(), request, target, CancellationToken.None);
        return DataSetRows.Read(target.Path);
    }

    /// <summary>A cell in the form in which rows are compared.</summary>
    private static string Cell(JsonElement cell) => cell.ValueKind switch
    {
        JsonValueKind.Null => "null",
        JsonValueKind.String when DateTimeOffset.TryParse(cell.GetString(), System.Globalization.CultureInfo.InvariantCulture, out var time) => DataSetRows.Text(time),
        JsonValueKind.String => cell.GetString()!,
        _ => DataSetRows.Text(cell.GetDouble()),
    };

    private RegistrySnapshot Snapshot()
    {
        var views = json.GetProperty("views").EnumerateArray().Select((v, i) => View(v, json.GetProperty("sources").EnumerateObject().ElementAt(i))).ToDictionary(v => v.Name);
        ProjectionModel[] aliases = [new("v", "a", ["x"], new Dictionary<string, string> { ["id"] = "left_id" }), new("v", "b", ["x"], new Dictionary<string, string> { ["id"] = "right_id" })];
        return new RegistrySnapshot("recorded", 3, views, new Dictionary<string, FeatureServiceModel> { ["svc"] = new("svc", aliases) });
    }

    private static FeatureViewModel View(JsonElement view, JsonProperty source)
    {
        var created = view.GetProperty("created_column").GetString();
        var fields = Texts(source.Value.GetProperty("columns")).Zip(Texts(source.Value.GetProperty("dtypes")))
            .Where(c => c.First is not ("id" or "ts") && c.First != created)
            .Select(c => new FieldModel(c.First, c.Second == "int64" ? Kind.Int64 : Kind.Double));
        var ttl = view.GetProperty("ttl_seconds") is { ValueKind: JsonValueKind.Number } seconds ? TimeSpan.FromSeconds(seconds.GetDouble()) : TimeSpan.Zero;
        var model = new SourceModel(source.Name, source.Name + ".parquet", "ts", created, new Dictionary<string, string>());
        return new FeatureViewModel(view.GetProperty("name").GetString()!, [new("id", Kind.Int64)], [.. fields], ttl, true, model, null);
    }

    private static IEnumerable<string> Texts(JsonElement array) => array.EnumerateArray().Select(e => e.GetString()!);

    private static string Type(string recorded) => recorded switch
    {
        "int64" => "BIGINT",
        "float64" => "DOUBLE",
        "object" => "VARCHAR",
        "datetime64[ns]" => "TIMESTAMP",
        _ => "TIMESTAMP WITH TIME ZONE",
    };

    private static void Write(JsonElement table, string path)
    {
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(64, 1));
        using var connection = database.Connect();
        connection.Execute("SET TimeZone = 'UTC'");
        var columns = Texts(table.GetProperty("columns")).Zip(Texts(table.GetProperty("dtypes")), (name, type) => $"\"{name}\" {Type(type)}");
        connection.Execute($"CREATE TABLE t ({string.Join(", ", columns)})");
        foreach (var row in table.GetProperty("rows").EnumerateArray())
        {
            connection.Execute($"INSERT INTO t VALUES ({string.Join(", ", row.EnumerateArray().Select(c => c.ValueKind switch { JsonValueKind.String => $"'{c.GetString()}'", JsonValueKind.Null => "NULL", _ => c.GetRawText() }))})");
        }

        connection.Execute($"COPY t TO '{path}' (FORMAT PARQUET)");
    }
}
