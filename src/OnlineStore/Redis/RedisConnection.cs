using System.Net;
using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Redis;

/// <summary>
/// The one multiplexed connection of a store: made on first use, shared by all callers, restored by itself after a break.
/// Every wait ends at the caller's token or at the connection string's <c>socket_timeout</c>, whichever comes first.
/// </summary>
internal sealed class RedisConnection : IAsyncDisposable
{
    // redis-py waits for ever unless told otherwise; a server with deadlines must not.
    private static readonly TimeSpan TimeoutDefault = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan HeartbeatInterval = TimeSpan.FromMilliseconds(250);
    private const int ReconnectMillisMin = 100;
    private const int ReconnectMillisMax = 2_000;

    private readonly RedisConnectionString _target;
    private readonly RedisOnlineStoreOptions _options;
    private readonly ConfigurationOptions _configuration;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private Task<ConnectionMultiplexer>? _connecting;
    private bool _disposed;

    public RedisConnection(RedisOnlineStoreOptions options, TimeProvider time)
    {
        _target = RedisConnectionString.Parse(options.ConnectionString);
        _options = options;
        _time = time;
        Timeout = _target.SocketTimeout ?? TimeoutDefault;
        _configuration = Configuration();
    }

    /// <summary>How long one batch of commands may take.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>The hosts, for messages.</summary>
    public string Name => _options.Deployment == RedisDeployment.RedisSentinel
        ? $"'{_options.SentinelMaster}' at the sentinels {_target}"
        : _target.ToString();

    /// <summary>The database, connected at least once.</summary>
    /// <exception cref="OnlineStoreException">No server answers, or it is of another kind than the settings say.</exception>
    public async ValueTask<IDatabase> DatabaseAsync(CancellationToken cancellationToken) =>
        (await MultiplexerAsync(cancellationToken)).GetDatabase();

    /// <summary>Every server that owns keys.</summary>
    /// <exception cref="OnlineStoreException">One of them cannot be reached, so its keys would be missed.</exception>
    public async Task<IReadOnlyList<IServer>> OwnersAsync(CancellationToken cancellationToken)
    {
        var multiplexer = await MultiplexerAsync(cancellationToken);
        var connected = multiplexer.GetServers().Where(s => s is { IsConnected: true, IsReplica: false }).ToArray();
        if (_options.Deployment == RedisDeployment.RedisCluster)
        {
            // A host of the connection string that is no node any more owns nothing; a node that the cluster names does.
            var owners = connected.FirstOrDefault()?.ClusterConfiguration?.Nodes.Where(n => !n.IsReplica && n.Slots.Count > 0).ToArray() ?? [];
            var away = owners.Where(n => !connected.Any(s => Equals(s.EndPoint, n.EndPoint))).Select(n => n.EndPoint?.ToString()).ToArray();
            if (away.Length > 0)
            {
                throw new OnlineStoreException(
                    $"The Redis online store {Name} is not whole: {string.Join(", ", away)} cannot be reached; nothing was looked for. Start it and run this again.");
            }

            connected = [.. connected.Where(s => owners.Any(n => Equals(s.EndPoint, n.EndPoint)))];
        }

        return connected.Length > 0 ? connected : throw RedisErrors.Unreachable(Name, null);
    }

    public int Database => _target.Database ?? 0;

    /// <summary>Waits for commands already sent, at most <see cref="Timeout"/>.</summary>
    public async Task<T> WaitAsync<T>(Task<T> commands, CancellationToken cancellationToken)
    {
        try
        {
            return await commands.WaitAsync(Timeout, _time, cancellationToken);
        }
        finally
        {
            // Given up here, the commands may still fail later; that failure has been told already.
            _ = commands.ContinueWith(
                static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Task<ConnectionMultiplexer>? connecting;
        lock (_gate)
        {
            _disposed = true;
            connecting = _connecting;
        }

        if (connecting is { IsCompletedSuccessfully: true })
        {
            await connecting.Result.DisposeAsync();
        }
    }

    private async ValueTask<ConnectionMultiplexer> MultiplexerAsync(CancellationToken cancellationToken)
    {
        Task<ConnectionMultiplexer> connecting;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_connecting is null or { IsFaulted: true } or { IsCanceled: true })
            {
                _connecting = ConnectAsync();
            }

            connecting = _connecting;
        }

        return connecting.IsCompletedSuccessfully ? connecting.Result : await connecting.WaitAsync(cancellationToken);
    }

    private async Task<ConnectionMultiplexer> ConnectAsync()
    {
        // The caller's lock is held until the first await.
        await Task.Yield();
        ConnectionMultiplexer? multiplexer = null;
        try
        {
            multiplexer = await ConnectionMultiplexer.ConnectAsync(_configuration);
            CheckKind(multiplexer);
            return multiplexer;
        }
        catch (Exception e) when (multiplexer is not null || RedisErrors.IsOfRedis(e))
        {
            if (multiplexer is not null)
            {
                await multiplexer.DisposeAsync();
            }

            throw e as OnlineStoreException ?? RedisErrors.Unreachable(Name, e);
        }
    }

    private void CheckKind(ConnectionMultiplexer multiplexer)
    {
        var isCluster = multiplexer.GetServers().Any(s => s is { IsConnected: true, ServerType: ServerType.Cluster });
        if (isCluster != (_options.Deployment == RedisDeployment.RedisCluster))
        {
            throw new OnlineStoreException(
                isCluster
                    ? $"The Redis online store {Name} is a cluster; set redis_type to redis_cluster."
                    : $"The Redis online store {Name} is no cluster; set redis_type to redis.");
        }
    }

    private ConfigurationOptions Configuration()
    {
        if (_options.Deployment == RedisDeployment.RedisCluster && _target.Database is not null)
        {
            throw new OnlineStoreException("The connection_string of the online store has db=…, which a cluster does not know; leave it out.");
        }

        var connect = (int)(_target.SocketConnectTimeout ?? Timeout).TotalMilliseconds;
        var configuration = new ConfigurationOptions
        {
            AbortOnConnectFail = true,
            AsyncTimeout = (int)Timeout.TotalMilliseconds,
            BacklogPolicy = BacklogPolicy.FailFast,
            ClientName = _target.ClientName,
            ConfigurationChannel = string.Empty,
            ConnectRetry = 1,
            ConnectTimeout = connect,
            DefaultDatabase = _target.Database,
            HeartbeatInterval = HeartbeatInterval,
            // Keys are entity values, which no log may show.
            IncludeDetailInExceptions = false,
            Password = _target.Password,
            ReconnectRetryPolicy = new ExponentialRetry(ReconnectMillisMin, ReconnectMillisMax),
            ServiceName = _options.Deployment == RedisDeployment.RedisSentinel ? _options.SentinelMaster : null,
            SyncTimeout = (int)Timeout.TotalMilliseconds,
            TieBreaker = string.Empty,
            User = _target.Username,
        };
        foreach (var endPoint in _options.Deployment == RedisDeployment.Redis ? _target.EndPoints.Take(1) : _target.EndPoints)
        {
            configuration.EndPoints.Add(IPAddress.TryParse(endPoint.Host, out var address) ? new IPEndPoint(address, endPoint.Port) : endPoint);
        }

        RedisTls.Apply(_target, configuration);
        return configuration;
    }
}
