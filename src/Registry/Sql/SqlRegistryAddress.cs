using System.Data.Common;
using System.Globalization;
using FeatureStore.Registry.Validation;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace FeatureStore.Registry.Sql;

/// <summary>A SQL registry's place, from the URL that SQLAlchemy takes. The URL may hold a password, so only <see cref="Shown"/> is ever printed.</summary>
internal sealed class SqlRegistryAddress
{
    private const string SqlitePrefix = "sqlite:///";

    // A registry is small and seldom looked at; a server that many use has few connections to give.
    private const int ConnectionsMax = 4;

    private static readonly string[] PostgresSchemes = ["postgresql", "postgres"];

    private readonly Func<DbConnection> _connection;

    private SqlRegistryAddress(string shown, bool isSqlite, Func<DbConnection> connection) => (Shown, IsSqlite, _connection) = (shown, isSqlite, connection);

    /// <summary>The address without user and password.</summary>
    public string Shown { get; }

    public bool IsSqlite { get; }

    /// <param name="url"><c>sqlite:///path</c>, or <c>postgresql://user:password@host:port/database</c> with any driver after a '+'.</param>
    /// <param name="folder">Where a relative path of SQLite hangs off.</param>
    /// <exception cref="RegistryException">The URL cannot be used.</exception>
    public static SqlRegistryAddress Parse(string url, string folder)
    {
        if (url.StartsWith(SqlitePrefix, StringComparison.Ordinal))
        {
            var path = Path.GetFullPath(url[SqlitePrefix.Length..].Split('?')[0], folder);
            return new SqlRegistryAddress(path, true, () => new SqliteConnection(Sqlite(path, SqliteOpenMode.ReadOnly)));
        }

        var scheme = url.Split(':')[0];
        if (!PostgresSchemes.Contains(scheme.Split('+')[0]) || !Uri.TryCreate(url, UriKind.Absolute, out var address))
        {
            var named = url.Contains("://", StringComparison.Ordinal) ? $"'{scheme}://…'" : "its path";
            throw new RegistryException($"A SQL registry at {named} cannot be opened; write 'postgresql://user@host:5432/database' or '{SqlitePrefix}registry.db'.");
        }

        var postgres = Postgres(address).ToString();
        return new SqlRegistryAddress(
            $"postgresql://{address.Host}:{(address.Port > 0 ? address.Port : NpgsqlConnection.DefaultPort)}{address.AbsolutePath}", false, () => new NpgsqlConnection(postgres));
    }

    /// <summary>A connection, not yet opened.</summary>
    public DbConnection Connection() => _connection();

    /// <summary>The same place, opened so that it can be written.</summary>
    /// <param name="mayMake">Make a SQLite file that is missing.</param>
    public SqlRegistryAddress ForWriting(bool mayMake)
    {
        if (!IsSqlite)
        {
            return this;
        }

        return new SqlRegistryAddress(Shown, true, () =>
        {
            if (mayMake)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Shown)!);
            }

            return new SqliteConnection(Sqlite(Shown, mayMake ? SqliteOpenMode.ReadWriteCreate : SqliteOpenMode.ReadWrite));
        });
    }

    private static string Sqlite(string path, SqliteOpenMode mode) => new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false }.ToString();

    private static NpgsqlConnectionStringBuilder Postgres(Uri address)
    {
        var settings = new NpgsqlConnectionStringBuilder { Database = Uri.UnescapeDataString(address.AbsolutePath.TrimStart('/')), ApplicationName = "fstore", MaxPoolSize = ConnectionsMax };
        if (address.Host.Length > 0)
        {
            settings.Host = address.Host.Trim('[', ']');
        }

        if (address.Port > 0)
        {
            settings.Port = address.Port;
        }

        var user = address.UserInfo.Split(':', 2);
        if (user[0].Length > 0)
        {
            settings.Username = Uri.UnescapeDataString(user[0]);
        }

        if (user.Length > 1)
        {
            settings.Password = Uri.UnescapeDataString(user[1]);
        }

        foreach (var option in address.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (key, value) = (option.Split('=')[0], Uri.UnescapeDataString(option[(option.IndexOf('=', StringComparison.Ordinal) + 1)..]));
            Set(settings, key, value);
        }

        return settings;
    }

    // The options of libpq that SQLAlchemy hands on, by Npgsql's names.
    private static void Set(NpgsqlConnectionStringBuilder settings, string key, string value)
    {
        try
        {
            switch (key)
            {
                case "sslmode":
                    settings.SslMode = Enum.Parse<SslMode>(value.Replace("-", string.Empty, StringComparison.Ordinal), ignoreCase: true);
                    break;
                case "sslrootcert":
                    settings.RootCertificate = value;
                    break;
                case "sslcert":
                    settings.SslCertificate = value;
                    break;
                case "sslkey":
                    settings.SslKey = value;
                    break;
                case "connect_timeout":
                    settings.Timeout = int.Parse(value, CultureInfo.InvariantCulture);
                    break;
                case "application_name":
                    settings.ApplicationName = value;
                    break;
                case "options":
                    settings.Options = value;
                    break;
                case "host":
                    settings.Host = value;
                    break;
                case "port":
                    settings.Port = int.Parse(value, CultureInfo.InvariantCulture);
                    break;
                default:
                    throw new RegistryException($"The option '{key}' of the SQL registry's URL is not known; remove it from 'path'.");
            }
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            throw new RegistryException($"The option '{key}' of the SQL registry's URL has a value that it cannot have; correct it in 'path'.", e);
        }
    }
}
