using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore.Sqlite;

namespace FeatureStore.OnlineStore.Tests.Sqlite;

public sealed class SqliteOnlineStoreTests : OnlineStoreSuite
{
    private readonly string _folder = Directory.CreateTempSubdirectory("online").FullName;

    public SqliteOnlineStoreTests() => Store = new SqliteOnlineStore(Path.Combine(_folder, "online.db"));

    protected override IOnlineStore Store { get; }

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
}
