using System.Globalization;
using FeatureStore.Ingest.Postgres;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Upkeep;
using FeatureStore.Tests.Servers;
using Npgsql;

namespace FeatureStore.Ingest.Tests.Postgres;

/// <summary>A PostgreSQL with one table that has every type of the bank, and a lake that it is captured into.</summary>
internal sealed class CaptureBank : IAsyncDisposable
{
    private static readonly LakeColumn[] Columns =
    [
        new("id", LakeType.String), new("amount", LakeType.Double), new("vendor", LakeType.String), new("time", LakeType.Timestamp),
        new("age", LakeType.Int32), new("day", LakeType.Date), new("flag", LakeType.Boolean), new("big", LakeType.Int64), new("price", LakeType.Double),
    ];

    private const string Select = "SELECT id, amount, vendor, (extract(epoch FROM time) * 1000000)::bigint, age, day, flag, big, price::float8 FROM t";
    private readonly string _lake = Directory.CreateTempSubdirectory("capture").FullName;

    private CaptureBank(PostgresServer server) => Server = server;

    public PostgresServer Server { get; }

    public string ConnectionString => $"Host=127.0.0.1;Port={Server.Port};Username={Server.User};Database=postgres;Pooling=false";

    public static async Task<CaptureBank> StartAsync(params string[] settings)
    {
        var bank = new CaptureBank(await PostgresServer.StartAsync(["wal_level=logical", .. settings]));
        await bank.RunAsync(
            "CREATE TABLE t (id text PRIMARY KEY, amount float8, vendor text, time timestamp, extra jsonb, age int, day date, flag boolean, big bigint, price numeric(12,2)); CREATE TABLE other (n int)");
        return bank;
    }

    /// <summary>A capture of the table; of a table in between when given.</summary>
    public Capture Capture(Func<CaptureOptions, CaptureOptions>? change = null)
    {
        var options = new CaptureOptions(
            PostgresAddress.Parse(ConnectionString),
            [new CapturedTable(new PostgresTable("public", "t", Columns, ["id"]), ChangeTable.Open(_lake, "t", Columns))],
            "bank",
            "fstore",
            "fstore");
        return new Capture(change?.Invoke(options) ?? options, TimeProvider.System);
    }

    public Task<CaptureResult> CatchUpAsync(bool resnapshot = false, Func<CaptureOptions, CaptureOptions>? change = null) =>
        Capture(change).RunAsync(untilCaughtUp: true, resnapshot, null, CancellationToken.None);

    public async Task RunAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await RunAsync(connection, sql);
    }

    public async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    public static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<object?> ScalarAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    /// <summary>The lake's living rows are the source's, and none was landed twice.</summary>
    public async Task AssertEqualAsync()
    {
        Assert.Equal(await SqlRowsAsync(), LakeRows());
        var versions = new SourceRows(_lake).KnownAt("t", SourceRows.Now, CancellationToken.None).Select(r => r.Key).ToList();
        Assert.Equal(versions.Distinct().Count(), versions.Count);
    }

    public List<string> LakeRows() => [.. new SourceRows(_lake).KnownAt("t", SourceRows.Now, CancellationToken.None).Select(r => Text(r.Values)).Order(StringComparer.Ordinal)];

    public async Task<List<string>> SqlRowsAsync()
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(Select, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(Text(Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? null : reader.GetValue(i))));
        }

        rows.Sort(StringComparer.Ordinal);
        return rows;
    }

    /// <summary>Rows in the lake's files, a row landed twice counted twice.</summary>
    public long RawRows() => LakeFolder.Tables(_lake, CancellationToken.None).Sum(t => t.Rows ?? 0);

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Directory.Delete(_lake, recursive: true);
    }

    private static string Text(IEnumerable<object?> values) => string.Join('|', values.Select(v => v switch
    {
        null => "∅",
        DateTime day => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        DateOnly day => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        string { Length: > 40 } text => $"{text.Length}:{text[..20]}",
        _ => Convert.ToString(v, CultureInfo.InvariantCulture),
    }));
}
