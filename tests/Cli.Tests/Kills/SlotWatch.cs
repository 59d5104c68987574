using System.Text;
using System.Text.Json.Nodes;
using FeatureStore.Tests.Servers.S3;
using Npgsql;
using NpgsqlTypes;

namespace FeatureStore.Cli.Tests.Kills;

/// <summary>Looks again and again whether the slot was told of more than the lake holds.</summary>
/// <param name="lake">The folder of the bucket that the changes are captured into.</param>
internal sealed class SlotWatch(string connection, S3TestServer s3, string bucket, string lake) : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _look = new(1);
    private readonly HashSet<string> _read = [];
    private Task _watching = Task.CompletedTask;
    private long _durable;

    public int Samples { get; private set; }

    public void Begin() => _watching = Task.Run(WatchAsync);

    /// <summary>Looks away while there is no slot, or one whose snapshot is not landed.</summary>
    public void Rest() => _look.Wait();

    public void GoOn() => _look.Release();

    /// <summary>Ends it, and tells what it saw.</summary>
    public async Task EndAsync()
    {
        await _stop.CancelAsync();
        await _watching;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _look.Dispose();
    }

    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(Period);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                await _look.WaitAsync(_stop.Token);
                try
                {
                    // The server's word first: what the lake holds only grows.
                    var confirmed = await ConfirmedAsync();
                    var durable = Durable();
                    Assert.True(confirmed <= durable, $"The slot was told of {confirmed}, and the lake holds up to {durable}.");
                    Samples++;
                }
                catch (NpgsqlException)
                {
                    // PostgreSQL is away just now.
                }
                finally
                {
                    _look.Release();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Told to end.
        }
    }

    private async Task<long> ConfirmedAsync()
    {
        await using var source = new NpgsqlConnection(connection);
        await source.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT confirmed_flush_lsn FROM pg_replication_slots", source);
        return await command.ExecuteScalarAsync() is NpgsqlLogSequenceNumber lsn ? (long)(ulong)lsn : 0;
    }

    // The table that is landed last has the progress with each batch. A commit that was read says no more than it did then.
    private long Durable()
    {
        foreach (var key in s3.Keys(bucket).Where(k => k.StartsWith($"{lake}/", StringComparison.Ordinal) && k.Contains("/_delta_log/", StringComparison.Ordinal) && k.EndsWith(".json", StringComparison.Ordinal)))
        {
            if (_read.Add(key))
            {
                _durable = Math.Max(_durable, Encoding.UTF8.GetString(s3.Get(bucket, key) ?? []).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    .Where(l => l.StartsWith("{\"txn\"", StringComparison.Ordinal))
                    .Select(l => JsonNode.Parse(l)!["txn"]!["version"]!.GetValue<long>()).DefaultIfEmpty().Max());
            }
        }

        return _durable;
    }
}
