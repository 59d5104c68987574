using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Redis;

/// <summary>Turns what the client throws into what the caller can act on. No message holds a key or a password.</summary>
internal static class RedisErrors
{
    /// <summary>Starts the reply of the write script to a stored time that is none.</summary>
    public const string NotATime = "FSNOTATIME";

    /// <summary>Starts the reply of the write script when another fence stands, or none; the standing one follows.</summary>
    public const string FenceLost = "FSFENCELOST";

    public static bool IsOfRedis(Exception e) =>
        e is RedisException or RedisTimeoutException or RedisCommandException or TimeoutException or ObjectDisposedException;

    public static OnlineStoreException Unreachable(string store, Exception? cause) =>
        cause is not null && IsRefused(cause)
            ? new OnlineStoreException($"The Redis online store {store} refuses the user or password; check username and password in connection_string.", cause)
            : new OnlineStoreException(
                $"The Redis online store {store} cannot be reached; check that it runs and that connection_string in feature_store.yaml names it.", cause);

    /// <summary>What went wrong while the tables were read or written.</summary>
    public static OnlineStoreException During(string store, IEnumerable<OnlineTable> tables, Exception cause)
    {
        var views = string.Join(", ", tables.Select(t => $"'{t.View}'"));
        return cause switch
        {
            RedisServerException e when e.Message.Contains(NotATime, StringComparison.Ordinal) => new OnlineStoreException(
                $"The Redis online store {store} holds a key whose event time for the view {views} is no timestamp; remove the view's rows and materialize again.", e),
            RedisServerException e when e.Message.StartsWith("WRONGTYPE", StringComparison.Ordinal) => new OnlineStoreException(
                $"The Redis online store {store} has a key of the view {views} that is no hash; another program wrote it. Remove it and materialize again.", e),
            RedisServerException e when IsRefused(e) => Unreachable(store, e),
            RedisServerException e => new OnlineStoreException(
                $"The Redis online store {store} refused a command for the view {views}: {FirstWord(e.Message)}; see Redis's documentation of this error code.", e),
            RedisTimeoutException or TimeoutException => new OnlineStoreException(
                $"The Redis online store {store} does not answer; check that it runs, or raise socket_timeout in connection_string.", cause),
            _ => Unreachable(store, cause),
        };
    }

    private static bool IsRefused(Exception e) =>
        e is RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure }
        || e.Message.StartsWith("NOAUTH", StringComparison.Ordinal)
        || e.Message.StartsWith("WRONGPASS", StringComparison.Ordinal)
        || (e.InnerException is { } inner && IsRefused(inner));

    // Redis's errors start with a code; what follows may quote a key.
    private static string FirstWord(string message) => message.Split(' ', 2)[0];
}
