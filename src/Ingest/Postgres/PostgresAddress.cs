using Npgsql;

namespace FeatureStore.Ingest.Postgres;

/// <summary>Where the source database is. The connection string may hold a password, so only <see cref="ToString"/> is ever printed.</summary>
public sealed class PostgresAddress
{
    private const int ConnectSeconds = 15;
    private readonly string _connectionString;

    private PostgresAddress(NpgsqlConnectionStringBuilder settings) =>
        (_connectionString, Shown) = (settings.ToString(), $"{settings.Host}:{settings.Port}/{settings.Database}");

    private string Shown { get; }

    /// <param name="connectionString">As Npgsql takes it: <c>Host=db;Database=bank;Username=…;Password=…</c>.</param>
    /// <exception cref="PostgresSourceException">It cannot be read; the text is not repeated.</exception>
    public static PostgresAddress Parse(string connectionString)
    {
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(connectionString) { ApplicationName = "fstore", Pooling = false };
            settings.Timeout = Math.Min(settings.Timeout, ConnectSeconds);
            return string.IsNullOrEmpty(settings.Host)
                ? throw new PostgresSourceException("fstore.postgres.connection_string names no host; write 'Host=db;Database=bank;Username=fstore'.")
                : new PostgresAddress(settings);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            // The library's message may repeat a part of the text.
            throw new PostgresSourceException("fstore.postgres.connection_string cannot be read; write 'Host=db;Database=bank;Username=fstore', with the password in FSTORE__POSTGRES__PASSWORD or a _FILE of it.");
        }
    }

    /// <summary>The same place with another password.</summary>
    public PostgresAddress WithPassword(string password) => new(new NpgsqlConnectionStringBuilder(_connectionString) { Password = password });

    /// <summary>Host, port and database.</summary>
    public override string ToString() => Shown;

    internal string ConnectionString => _connectionString;

    /// <exception cref="PostgresSourceException">The server cannot be reached, or refuses.</exception>
    internal async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(_connectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch (Exception e)
        {
            await connection.DisposeAsync();
            throw e is NpgsqlException or TimeoutException ? Failure(e) : e;
        }
    }

    /// <summary>A fault of the server or the way to it, in words, with the way out.</summary>
    internal PostgresSourceException Failure(Exception e) => new(
        $"{Trouble(e)}. {(e is PostgresException ? "Correct it there, and run the command again." : "Start it, or correct fstore.postgres in feature_store.yaml; then run the command again.")}", e);

    /// <summary>The fault alone, without a full stop. Texts of the server's first line and of the library hold no password and no value.</summary>
    internal string Trouble(Exception e) => e is PostgresException server
        ? $"PostgreSQL at {Shown} refused ({server.SqlState}): {server.MessageText}"
        : $"PostgreSQL at {Shown} cannot be reached ({e.Message})";
}
