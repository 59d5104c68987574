using System.Globalization;
using System.Net;

namespace FeatureStore.OnlineStore.Redis;

/// <summary>Which server certificates are taken; Feast's <c>ssl_cert_reqs</c>.</summary>
public enum RedisCertificateCheck
{
    None,
    Optional,
    Required,
}

/// <summary>
/// The <c>connection_string</c> of Feast's Redis store, cut at commas: a piece without <c>=</c> is <c>host:port</c>, one
/// with it is an option, whose right side is JSON if it reads as such and else plain text. So a password cannot hold a
/// comma. Options are those of redis-py that have a meaning here; others are refused by name.
/// </summary>
public sealed class RedisConnectionString
{
    private const string ValueHidden = "its value is not shown";

    private RedisConnectionString(IReadOnlyList<DnsEndPoint> endPoints) => EndPoints = endPoints;

    /// <summary>The hosts in their order, at least one.</summary>
    public IReadOnlyList<DnsEndPoint> EndPoints { get; }

    public int? Database { get; private set; }

    public string? Username { get; private set; }

    public string? Password { get; private set; }

    public bool Ssl { get; private set; }

    public RedisCertificateCheck CertificateCheck { get; private set; } = RedisCertificateCheck.Required;

    /// <summary>Null is redis-py's default: names are checked unless certificates are not.</summary>
    public bool? CheckHostName { get; private set; }

    /// <summary>A PEM file of the issuers that are trusted, or null for the machine's.</summary>
    public string? CaCertificates { get; private set; }

    public string? CertificateFile { get; private set; }

    public string? KeyFile { get; private set; }

    /// <summary>How long one batch of commands may take, or null for the store's default.</summary>
    public TimeSpan? SocketTimeout { get; private set; }

    public TimeSpan? SocketConnectTimeout { get; private set; }

    public string? ClientName { get; private set; }

    /// <summary>Reads the text.</summary>
    /// <exception cref="OnlineStoreException">A piece is wrong; the message names it and never shows a password.</exception>
    public static RedisConnectionString Parse(string text)
    {
        var pieces = text.Split(',').Select(p => p.Trim()).ToArray();
        var hosts = pieces.Where(p => !p.Contains('=', StringComparison.Ordinal)).Select(EndPoint).ToArray();
        if (hosts.Length == 0)
        {
            throw Wrong("names no host", "write host:port, for example localhost:6379");
        }

        var parsed = new RedisConnectionString(hosts);
        foreach (var piece in pieces.Where(p => p.Contains('=', StringComparison.Ordinal)))
        {
            var at = piece.IndexOf('=', StringComparison.Ordinal);
            if (!parsed.TrySet(piece[..at], OptionValue.Read(piece[(at + 1)..])))
            {
                throw Unknown(parsed.Password is null ? $"'{piece[..at]}'" : "after the password");
            }
        }

        return parsed;
    }

    /// <summary>The hosts alone.</summary>
    public override string ToString() => string.Join(',', EndPoints.Select(e => $"{e.Host}:{e.Port}"));

    // A piece that is no host may be the rest of a password with a comma in it, so it is not shown.
    private static DnsEndPoint EndPoint(string piece, int index)
    {
        var colon = piece.LastIndexOf(':');
        var host = colon < 0 ? string.Empty : piece[..colon].Trim('[', ']');
        var isOneHost = host.Length > 0 && (piece.StartsWith('[') || !host.Contains(':', StringComparison.Ordinal));
        return isOneHost
            && int.TryParse(piece[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port is > 0 and <= IPEndPoint.MaxPort
            ? new DnsEndPoint(host, port)
            : throw Wrong(
                $"has a host (number {index + 1}) that is not host:port ({ValueHidden})",
                "write host:port, for example localhost:6379; a password cannot hold a comma");
    }

    private static OnlineStoreException Wrong(string fact, string wayOut) =>
        new($"The connection_string of the online store {fact}; {wayOut}.");

    private static T Need<T>(string name, T? value, string kind)
        where T : struct => value ?? throw Wrong($"has an option '{name}' that is not {kind} ({ValueHidden})", $"write {name}=… as {kind}");

    private static TimeSpan? Seconds(string name, OptionValue value)
    {
        if (value.IsNull)
        {
            return null;
        }

        var seconds = Need(name, value.Number, "a number of seconds");
        return seconds > 0 && seconds <= TimeSpan.FromDays(1).TotalSeconds
            ? TimeSpan.FromSeconds(seconds)
            : throw Wrong($"has {name}={seconds.ToString(CultureInfo.InvariantCulture)}", "write seconds above 0 and up to a day");
    }

    private static RedisCertificateCheck Check(string name, OptionValue value) => value.Text switch
    {
        null or "none" or "0" => RedisCertificateCheck.None,
        "optional" or "1" => RedisCertificateCheck.Optional,
        "required" or "2" => RedisCertificateCheck.Required,
        _ => throw Wrong($"has an option '{name}' of unknown value", $"write {name}=none, optional or required"),
    };

    // After a password, what looks like an option may be the rest of it, so its name is not shown.
    private static OnlineStoreException Unknown(string option) => Wrong(
        $"has an unknown option {option}",
        "known are db, username, password, ssl, ssl_cert_reqs, ssl_check_hostname, ssl_ca_certs, ssl_certfile, ssl_keyfile, "
        + "socket_timeout, socket_connect_timeout and client_name; a password cannot hold a comma");

    private bool TrySet(string name, OptionValue value)
    {
        switch (name)
        {
            case "db":
                Database = value.IsNull ? null : Need(name, value.Integer, "a whole number from 0");
                break;
            case "username":
                Username = value.Text;
                break;
            case "password":
                Password = value.Text;
                break;
            case "client_name":
                ClientName = value.Text;
                break;
            case "socket_timeout":
                SocketTimeout = Seconds(name, value);
                break;
            case "socket_connect_timeout":
                SocketConnectTimeout = Seconds(name, value);
                break;
            default:
                return TrySetTls(name, value);
        }

        return true;
    }

    private bool TrySetTls(string name, OptionValue value)
    {
        switch (name)
        {
            case "ssl":
                Ssl = Need(name, value.Boolean, "true or false");
                break;
            case "ssl_cert_reqs":
                CertificateCheck = Check(name, value);
                break;
            case "ssl_check_hostname":
                CheckHostName = Need(name, value.Boolean, "true or false");
                break;
            case "ssl_ca_certs":
                CaCertificates = value.Text;
                break;
            case "ssl_certfile":
                CertificateFile = value.Text;
                break;
            case "ssl_keyfile":
                KeyFile = value.Text;
                break;
            // They tune redis-py's own connection pool, which is not here.
            case "max_connections" or "health_check_interval" or "retry_on_timeout" or "socket_keepalive" or "protocol":
                break;
            default:
                return false;
        }

        return true;
    }
}
