using System.Diagnostics;
using System.Globalization;
using FeatureStore.Tests.Servers;
using Npgsql;

namespace FeatureStore.Benchmarks.Postgres;

/// <summary>The bank's transactions in a PostgreSQL, and the loads that are written into it.</summary>
internal sealed class CaptureSource : IAsyncDisposable
{
    public const string Slot = "fstore";
    public const string BareSlot = "bare";
    public const string Publication = "fstore";
    private const int Users = 10_000;
    private const int WriterConnections = 4;
    private const int StartPolls = 3_000;
    private static readonly TimeSpan StartPoll = TimeSpan.FromMilliseconds(10);
    private static readonly string[] Vendors = ["acme", "amazon", "tesco", "zara", "shell"];
    private static readonly string[] Sources = ["card", "cash", "online", "transfer"];
    private static readonly DateTime FirstTime = new(2025, 1, 5);
    private readonly PostgresServer? _server;

    private CaptureSource(string connection, PostgresServer? server) => (Connection, _server) = (connection, server);

    public string Connection { get; }

    /// <summary>Starts a server, unless a connection string names one.</summary>
    public static async Task<CaptureSource> StartAsync(string? connection)
    {
        if (connection is not null)
        {
            return new CaptureSource(connection, null);
        }

        var server = await PostgresServer.StartAsync("wal_level=logical", "shared_buffers=256MB", "max_wal_size=16GB", "checkpoint_timeout=1h");
        return new CaptureSource($"Host=127.0.0.1;Port={server.Port};Username={server.User};Database=postgres;Pooling=false", server);
    }

    /// <summary>An empty table without slots, its publication, and the slot of the bare reader.</summary>
    public async Task ResetAsync()
    {
        await ExecuteAsync("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name IN ('fstore', 'bare')");
        await ExecuteAsync(
            """
            DROP TABLE IF EXISTS public.transactions;
            CREATE TABLE public.transactions (user_id text, transaction_id text PRIMARY KEY, amount double precision, vendor text, sources text, "time" timestamp);
            CREATE TABLE IF NOT EXISTS public.benchmark_began (ticks bigint);
            TRUNCATE public.benchmark_began;
            DROP PUBLICATION IF EXISTS fstore;
            CREATE PUBLICATION fstore FOR TABLE public.transactions
            """);
        await ExecuteAsync("SELECT pg_create_logical_replication_slot('bare', 'pgoutput')");
        await ExecuteAsync("CHECKPOINT");
    }

    /// <summary>Waits until the slot's reader is there.</summary>
    public async Task WaitForReaderAsync(string slot)
    {
        for (var poll = 0; poll < StartPolls; poll++)
        {
            if (await ScalarAsync($"SELECT active FROM pg_replication_slots WHERE slot_name = '{slot}'") is true)
            {
                return;
            }

            await Task.Delay(StartPoll);
        }

        throw new InvalidOperationException($"Nobody reads slot {slot}.");
    }

    /// <summary>Rows by COPY, so many in each transaction.</summary>
    public async Task CopyAsync(long rows, long rowsPerTransaction)
    {
        await BeginAsync();
        await using var connection = await OpenAsync(Connection);
        for (var from = 0L; from < rows; from += rowsPerTransaction)
        {
            await using var copy = await connection.BeginTextImportAsync("COPY public.transactions FROM STDIN");
            for (var n = from; n < Math.Min(from + rowsPerTransaction, rows); n++)
            {
                await copy.WriteAsync(string.Join('\t', Row(n)) + "\n");
            }
        }
    }

    /// <summary>Transactions of one row each, made by the server itself.</summary>
    public async Task SinglesAsync(long rows)
    {
        await BeginAsync();
        await ExecuteAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            DO $$ BEGIN FOR n IN 0..{rows - 1} LOOP
              INSERT INTO public.transactions VALUES ('u' || n % {Users}, 't' || lpad(n::text, 10, '0'), n * 0.25, 'tesco', 'card', timestamp '2025-01-05' + n * interval '1 second');
              COMMIT;
            END LOOP; END $$
            """));
    }

    /// <summary>Transactions of one row each, at a rate that does not wait for anyone; dealt out to a few connections in turn.</summary>
    /// <returns>By number of the row: when it was due, and when its commit returned, in ticks of the monotonic clock.</returns>
    public async Task<(long Due, long Returned)[]> OpenLoopAsync(int rate, long rows)
    {
        var moments = new (long Due, long Returned)[rows];
        await BeginAsync();
        var start = Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 10);
        await Task.WhenAll(Enumerable.Range(0, WriterConnections).Select(async first =>
        {
            await using var connection = await OpenAsync(Connection);
            await using var insert = new NpgsqlCommand("INSERT INTO public.transactions VALUES ($1, $2, $3, $4, $5, $6)", connection);
            insert.Parameters.AddRange(Enumerable.Range(0, 6).Select(_ => new NpgsqlParameter { Value = string.Empty }).ToArray());
            for (var n = (long)first; n < rows; n += WriterConnections)
            {
                var due = start + (n * Stopwatch.Frequency / rate);
                if (due - Stopwatch.GetTimestamp() is > 0 and var early)
                {
                    await Task.Delay(TimeSpan.FromSeconds((double)early / Stopwatch.Frequency));
                }

                var row = Row(n);
                object[] values = [row[0], row[1], n * 0.25, row[3], row[4], FirstTime.AddSeconds(n)];
                for (var i = 0; i < values.Length; i++)
                {
                    insert.Parameters[i].Value = values[i];
                }

                await insert.ExecuteNonQueryAsync();
                moments[n] = (due, Stopwatch.GetTimestamp());
            }
        }));
        return moments;
    }

    /// <summary>When the load began, in ticks of the monotonic clock, which all processes share.</summary>
    public static async Task<long> BeganAsync(string connection)
    {
        await using var opened = await OpenAsync(connection);
        await using var select = new NpgsqlCommand("SELECT max(ticks) FROM public.benchmark_began", opened);
        return (long)(await select.ExecuteScalarAsync())!;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;

    private Task BeginAsync() => ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"INSERT INTO public.benchmark_began VALUES ({Stopwatch.GetTimestamp()})"));

    private static string[] Row(long n) =>
    [
        string.Create(CultureInfo.InvariantCulture, $"u{n % Users}"),
        string.Create(CultureInfo.InvariantCulture, $"t{n:D10}"),
        string.Create(CultureInfo.InvariantCulture, $"{n % 100_000 * 0.01:F2}"),
        Vendors[n % Vendors.Length],
        Sources[n % Sources.Length],
        FirstTime.AddSeconds(n).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
    ];

    private static async Task<NpgsqlConnection> OpenAsync(string connection)
    {
        var opened = new NpgsqlConnection(connection);
        await opened.OpenAsync();
        return opened;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = await OpenAsync(Connection);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var connection = await OpenAsync(Connection);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
