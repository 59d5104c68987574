using FeatureStore.Tests.Servers;
using FeatureStore.Tests.Servers.S3;
using Npgsql;

namespace FeatureStore.Cli.Tests.Kills;

/// <summary>The servers of a road: PostgreSQL, Redis, S3, and a Kafka broker if the changes go through one.</summary>
internal sealed class RoadServers : IAsyncDisposable
{
    public const string Bucket = "transaction-data";

    private RoadServers(PostgresServer postgres, RedisServer redis, S3TestServer s3, KafkaServer? kafka) => (Postgres, Redis, S3, Kafka) = (postgres, redis, s3, kafka);

    public PostgresServer Postgres { get; }

    public RedisServer Redis { get; }

    public S3TestServer S3 { get; }

    public KafkaServer? Kafka { get; }

    public string Connection => $"Host=127.0.0.1;Port={Postgres.Port};Username={Postgres.User};Database=postgres;Pooling=false";

    /// <summary>What commands have to be told of the broker.</summary>
    public IReadOnlyDictionary<string, string> Environment => Kafka is null ? new Dictionary<string, string>() : KafkaEnvironment.Of(Kafka);

    public static async Task<RoadServers> StartAsync(bool withKafka)
    {
        PostgresServer.Need();
        RedisServer.Need();
        return new RoadServers(
            await PostgresServer.StartAsync("wal_level=logical"),
            await RedisServer.StartAsync(),
            await S3TestServer.StartAsync(Bucket, "transaction-data-user"),
            withKafka ? await KafkaServer.StartAsync("num.partitions=3") : null);
    }

    /// <summary>The settings of a repo.</summary>
    /// <param name="lake">A folder of the bucket.</param>
    public string Settings(string lake) => $"""
        project: bank_features
        provider: local
        registry: data/registry.db
        online_store:
          type: redis
          connection_string: {Redis.Address}
        offline_store:
          type: file
        entity_key_serialization_version: 3
        fstore:
          lake: s3://{Bucket}/{lake}
          log: data/log.db
          s3:
            endpoint: {S3.Endpoint}
            access_key: {S3TestServer.AccessKey}
            secret_key: {S3TestServer.SecretKey}
            conditional_put: yes
            cache_folder: data/cache
            timeout_seconds: 10
          postgres:
            connection_string: {Connection}

        """;

    /// <summary>A statement in PostgreSQL.</summary>
    public async Task SqlAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Connection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>A COPY that is cut in its middle.</summary>
    public async Task CutCopyAsync()
    {
        await using var connection = new NpgsqlConnection(Connection);
        await connection.OpenAsync();
        await using var copy = await connection.BeginTextImportAsync("COPY transactions (user_id, transaction_id, amount) FROM STDIN");
        for (var i = 0; i < 500; i++)
        {
            await copy.WriteAsync($"u0000001\tcut{i}\t1000000\n");
        }

        await copy.FlushAsync();
        await SqlAsync($"SELECT pg_terminate_backend({connection.ProcessID})");
        await Assert.ThrowsAnyAsync<Exception>(async () => await copy.DisposeAsync());
    }

    public async ValueTask DisposeAsync()
    {
        if (Kafka is not null)
        {
            await Kafka.DisposeAsync();
        }

        await S3.DisposeAsync();
        await Redis.DisposeAsync();
        await Postgres.DisposeAsync();
    }
}
