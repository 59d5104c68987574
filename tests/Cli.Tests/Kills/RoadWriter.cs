using Npgsql;

namespace FeatureStore.Cli.Tests.Kills;

/// <summary>Writes transactions into PostgreSQL all the time, one by one, while the jobs run, are killed, and PostgreSQL itself goes and comes.</summary>
internal sealed class RoadWriter(string connection) : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(20);
    private readonly CancellationTokenSource _stop = new();
    private Task _writing = Task.CompletedTask;

    /// <summary>Statements that PostgreSQL said to have done.</summary>
    public int Written { get; private set; }

    public void Begin() => _writing = Task.Run(WriteAsync);

    public async Task EndAsync()
    {
        await _stop.CancelAsync();
        await _writing;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task WriteAsync()
    {
        using var timer = new PeriodicTimer(Period);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                try
                {
                    await using var source = new NpgsqlConnection(connection);
                    await source.OpenAsync();
                    await WriteAsync(source, timer);
                }
                catch (Exception e) when (e is NpgsqlException or IOException)
                {
                    // PostgreSQL is away just now; what it had not said to be done may be done or not.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Told to end.
        }
    }

    // Rows like those of the bank, of users and times that are there.
    private async Task WriteAsync(NpgsqlConnection source, PeriodicTimer timer)
    {
        for (var i = 0; await timer.WaitForNextTickAsync(_stop.Token); i++)
        {
            await using var command = new NpgsqlCommand(
                (i % 4) switch
                {
                    3 when i % 8 == 7 => "DELETE FROM transactions WHERE ctid = (SELECT ctid FROM transactions WHERE transaction_id LIKE 'w%' ORDER BY random() LIMIT 1)",
                    3 => "UPDATE transactions SET amount = amount + 0.25 WHERE ctid = (SELECT ctid FROM transactions WHERE transaction_id LIKE 'w%' ORDER BY random() LIMIT 1)",
                    _ => """
                        INSERT INTO transactions (user_id, transaction_id, amount, vendor, sources, time)
                        SELECT user_id, 'w' || gen_random_uuid(), amount, vendor, sources, time FROM transactions WHERE user_id IS NOT NULL AND transaction_id NOT LIKE 'cut%' ORDER BY random() LIMIT 1
                        """,
                },
                source);
            await command.ExecuteNonQueryAsync();
            Written++;
        }
    }
}
