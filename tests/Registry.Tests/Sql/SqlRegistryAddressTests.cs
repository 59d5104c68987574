using FeatureStore.Registry.Sql;
using FeatureStore.Registry.Validation;
using Npgsql;

namespace FeatureStore.Registry.Tests.Sql;

public sealed class SqlRegistryAddressTests
{
    [Theory]
    [InlineData("postgresql://feast:p%40ss@db.example:5433/registry")]
    [InlineData("postgres://feast:p%40ss@db.example:5433/registry")]
    [InlineData("postgresql+psycopg://feast:p%40ss@db.example:5433/registry")]
    [InlineData("postgresql+psycopg2://feast:p%40ss@db.example:5433/registry?sslmode=verify-full&connect_timeout=7")]
    public void Parse_AnyPostgresUrl_IsOneConnection(string url)
    {
        var address = SqlRegistryAddress.Parse(url, "/repo");
        Assert.Equal("postgresql://db.example:5433/registry", address.Shown);
        using var connection = address.Connection();
        var settings = new NpgsqlConnectionStringBuilder(connection.ConnectionString);
        Assert.Equal(("db.example", 5433, "registry", "feast", "p@ss"), (settings.Host, settings.Port, settings.Database, settings.Username, settings.Password));
        Assert.Equal(url.Contains("sslmode", StringComparison.Ordinal), settings is { SslMode: SslMode.VerifyFull, Timeout: 7 });
    }

    [Theory]
    [InlineData("sqlite:///data/r.db", "/repo/data/r.db")]
    [InlineData("sqlite:////srv/r.db", "/srv/r.db")]
    [InlineData("sqlite:///r.db?timeout=5", "/repo/r.db")]
    public void Parse_SqliteUrl_IsAPath(string url, string path) => Assert.Equal((path, true), (SqlRegistryAddress.Parse(url, "/repo").Shown, SqlRegistryAddress.Parse(url, "/repo").IsSqlite));

    [Theory]
    [InlineData("mysql+pymysql://u:hunter2@h/d", "mysql+pymysql")]
    [InlineData("data/registry.db", "its path")]
    [InlineData("postgresql://u:hunter2@h/d?hunter=1", "'hunter'")]
    [InlineData("postgresql://u:hunter2@h/d?sslmode=perhaps", "'sslmode'")]
    [InlineData("postgresql://u:hunter2@h:99999999/d", "write 'postgresql://")]
    [InlineData("", "write 'postgresql://")]
    public void Parse_Unusable_SaysWhatToWriteAndNoSecret(string url, string message)
    {
        var e = Assert.Throws<RegistryException>(() => SqlRegistryAddress.Parse(url, "/repo"));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", e.Message, StringComparison.Ordinal);
    }
}
