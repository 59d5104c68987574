using FeatureStore.Contract.Rows;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore.Sqlite;
using Microsoft.Data.Sqlite;

namespace FeatureStore.OnlineStore.Tests.Sqlite;

public sealed class SqliteOnlineStoreTests : OnlineStoreSuite
{
    private readonly string _folder = Directory.CreateTempSubdirectory("online").FullName;

    public SqliteOnlineStoreTests() => Store = new SqliteOnlineStore(Database);

    protected override IOnlineStore Store { get; }

    private string Database => Path.Combine(_folder, "online.db");

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Read_TableNeverApplied_SaysToApply()
    {
        var error = await Assert.ThrowsAsync<OnlineStoreException>(
            () => Store.ReadAsync([new OnlineTable("bank_features", "absent", ["f"])], [[1]], CancellationToken.None));
        Assert.Contains("fstore apply", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_DamagedFile_NamesItAndTheWayOut()
    {
        var path = Path.Combine(_folder, "damaged.db");
        await File.WriteAllTextAsync(path, new string('x', 8192));
        await using var store = new SqliteOnlineStore(path);
        var error = await Assert.ThrowsAsync<OnlineStoreException>(
            () => store.EnsureTablesAsync([new OnlineTable("p", "v", ["f"])], CancellationToken.None));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains("materialize again", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_FileThatCannotBeOpened_NeverAdvisesToRemoveIt()
    {
        var path = Path.Combine(_folder, "a_folder");
        Directory.CreateDirectory(path);
        await using var store = new SqliteOnlineStore(path);
        var error = await Assert.ThrowsAsync<OnlineStoreException>(
            () => store.EnsureTablesAsync([new OnlineTable("p", "v", ["f"])], CancellationToken.None));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("remove", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_LaterInTheSameSecond_Wins()
    {
        var table = new OnlineTable("p", "v", ["f"]);
        await Store.EnsureTablesAsync([table], CancellationToken.None);
        await WriteAsync(table, Row(5_200_000, 1));
        await WriteAsync(table, Row(5_800_000, 2));
        Assert.Equal([32, 2], await ValueAsync(table));
        Assert.Equal(new OnlineWriteCounts(1, 1), await WriteAsync(table, Row(6_800_000, 3), Row(6_200_000, 4)));
        Assert.Equal([32, 3], await ValueAsync(table));
        Assert.Equal(new OnlineWriteCounts(0, 1), await WriteAsync(table, Row(5_999_999, 5)));
    }

    [Fact]
    public async Task AnyCall_TableWithFeastsNumberColumn_Works()
    {
        var table = new OnlineTable("p", "v", ["f"]);
        await ExecuteAsync(
            "CREATE TABLE p_v (entity_key BLOB, feature_name TEXT, value BLOB, value_text TEXT, value_num REAL, vector_value BLOB, "
            + "event_ts timestamp, created_ts timestamp, PRIMARY KEY(entity_key, feature_name)); "
            + "INSERT INTO p_v VALUES (x'01', 'f', x'2001', '1', 1.0, NULL, 5, NULL)");
        await Store.EnsureTablesAsync([table], CancellationToken.None);
        Assert.Equal([32, 1], await ValueAsync(table));
        await WriteAsync(table, Row(6_000_000, 2));
        Assert.Equal([32, 2], await ValueAsync(table));
    }

    [Theory]
    [InlineData("x'ff', 5", "'f'")]
    [InlineData("'text', 5", "'f'")]
    [InlineData("x'2001', NULL", "time")]
    [InlineData("x'2001', '2026-11-01 00:00:00'", "time")]
    [InlineData("x'2001', 9000000000000000000", "time")]
    public async Task Read_GarbageInARow_NamesViewAndField(string valueAndTime, string named)
    {
        var table = new OnlineTable("p", "weekly", ["f"]);
        await Store.EnsureTablesAsync([table], CancellationToken.None);
        await ExecuteAsync($"INSERT INTO p_weekly (entity_key, feature_name, value, event_ts) VALUES (x'01', 'f', {valueAndTime})");
        var error = await Assert.ThrowsAsync<OnlineStoreException>(() => ValueAsync(table));
        Assert.Contains("'weekly'", error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_WhileAWriterHoldsTheFile_AnswersFromBefore()
    {
        var table = new OnlineTable("p", "v", ["f"]);
        await Store.EnsureTablesAsync([table], CancellationToken.None);
        await WriteAsync(table, Row(5_000_000, 1));
        await using var writer = new SqliteConnection($"Data Source={Database}");
        await writer.OpenAsync();
        await using var transaction = writer.BeginTransaction(deferred: false);
        using var update = writer.CreateCommand();
        update.Transaction = transaction;
        update.CommandText = "UPDATE p_v SET value = x'2002'";
        await update.ExecuteNonQueryAsync();
        Assert.Equal([32, 1], await ValueAsync(table));
        await transaction.CommitAsync();
        Assert.Equal([32, 2], await ValueAsync(table));
    }

    [Fact]
    public async Task Read_PagesOverwritten_SaysThatTheFileIsDamaged()
    {
        var path = Path.Combine(_folder, "torn.db");
        var table = new OnlineTable("p", "v", ["f"]);
        await using (var store = new SqliteOnlineStore(path))
        {
            await store.EnsureTablesAsync([table], CancellationToken.None);
            await store.WriteAsync(
                table,
                [.. Enumerable.Range(0, 500).Select(i => new EncodedRow(BitConverter.GetBytes(i), 1_000_000, null, [ValueBytes.Int64(i)]))],
                OnlineWriteRule.NewerWins,
                CancellationToken.None);
        }

        var bytes = await File.ReadAllBytesAsync(path);
        bytes.AsSpan(4096).Fill(0x5a);
        await File.WriteAllBytesAsync(path, bytes);
        await using var torn = new SqliteOnlineStore(path);
        var error = await Assert.ThrowsAsync<OnlineStoreException>(
            () => torn.ReadAsync([table], [BitConverter.GetBytes(7)], CancellationToken.None));
        Assert.Contains("damaged", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.0, "0.0")]
    [InlineData(-0.0, "-0.0")]
    [InlineData(7.0, "7.0")]
    [InlineData(1.5, "1.5")]
    [InlineData(0.1, "0.1")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.00001, "1e-05")]
    [InlineData(1e15, "1000000000000000.0")]
    [InlineData(1e16, "1e+16")]
    [InlineData(1.25e22, "1.25e+22")]
    [InlineData(5e-324, "5e-324")]
    [InlineData(1781.3624137850386, "1781.3624137850386")]
    [InlineData(double.NaN, "nan")]
    [InlineData(double.NegativeInfinity, "-inf")]
    public void Of_Double_IsAsPythonPrintsIt(double value, string expected) =>
        Assert.Equal(expected, ValueText.Of(ValueBytes.Double(value)));

    private static EncodedRow Row(long micros, byte value) => new([1], micros, null, [[32, value]]);

    private Task<OnlineWriteCounts> WriteAsync(OnlineTable table, params EncodedRow[] rows) =>
        Store.WriteAsync(table, rows, OnlineWriteRule.NewerWins, CancellationToken.None);

    private async Task<byte[]?> ValueAsync(OnlineTable table) => (await Store.ReadAsync([table], [[1]], CancellationToken.None))[0][0].Values[0];

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={Database}");
        await connection.OpenAsync();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }
}
