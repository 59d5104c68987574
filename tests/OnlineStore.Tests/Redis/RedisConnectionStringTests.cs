using FeatureStore.OnlineStore.Redis;

namespace FeatureStore.OnlineStore.Tests.Redis;

public sealed class RedisConnectionStringTests
{
    [Theory]
    [InlineData("localhost:6379", "localhost:6379")]
    [InlineData("a:1,b:2, c:65535", "a:1,b:2,c:65535")]
    [InlineData("password=x,a:1,db=2,b:2", "a:1,b:2")]
    [InlineData("[::1]:6379", "::1:6379")]
    public void Parse_Hosts_KeepTheirOrder(string text, string expected) =>
        Assert.Equal(expected, RedisConnectionString.Parse(text).ToString());

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a=b=c", "a=b=c")]
    [InlineData("1234", "1234")]
    [InlineData("01234", "01234")]
    [InlineData("-0", "0")]
    [InlineData("12345678901234567890123", "12345678901234567890123")]
    [InlineData("1.50", "1.5")]
    [InlineData("1e5", "100000.0")]
    [InlineData("\"quoted \\u00e9\"", "quoted é")]
    [InlineData("\"unclosed", "\"unclosed")]
    [InlineData("\"\\ud800\"", "\"\\ud800\"")]
    [InlineData("null", null)]
    [InlineData("", "")]
    [InlineData("x y:z", "x y:z")]
    public void Parse_Password_IsJsonOrText(string written, string? expected) =>
        Assert.Equal(expected, RedisConnectionString.Parse($"h:1,password={written}").Password);

    [Fact]
    public void Parse_EveryOption_IsTaken()
    {
        var parsed = RedisConnectionString.Parse(
            "h:1,db=8,username=u,password=p,ssl=true,ssl_cert_reqs=none,ssl_check_hostname=false,ssl_ca_certs=/ca.pem,ssl_certfile=/c.pem,"
            + "ssl_keyfile=/k.pem,socket_timeout=0.25,socket_connect_timeout=3,client_name=n,max_connections=5,socket_keepalive=true");
        Assert.Equal(8, parsed.Database);
        Assert.Equal(("u", "p", "n"), (parsed.Username, parsed.Password, parsed.ClientName));
        Assert.True(parsed.Ssl);
        Assert.Equal(RedisCertificateCheck.None, parsed.CertificateCheck);
        Assert.False(parsed.CheckHostName);
        Assert.Equal(("/ca.pem", "/c.pem", "/k.pem"), (parsed.CaCertificates, parsed.CertificateFile, parsed.KeyFile));
        Assert.Equal((TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(3)), (parsed.SocketTimeout, parsed.SocketConnectTimeout));
    }

    [Theory]
    [InlineData("ssl=True", true)]
    [InlineData("ssl=1", true)]
    [InlineData("ssl=false", false)]
    [InlineData("ssl=0", false)]
    public void Parse_Ssl_IsAsFeastTakesIt(string option, bool expected) =>
        Assert.Equal(expected, RedisConnectionString.Parse($"h:1,{option}").Ssl);

    [Theory]
    [InlineData("", "host")]
    [InlineData("db=1", "host")]
    [InlineData("localhost", "host")]
    [InlineData("localhost:", "host")]
    [InlineData(":6379", "host")]
    [InlineData("localhost:0", "host")]
    [InlineData("localhost:65536", "host")]
    [InlineData("localhost:x", "host")]
    [InlineData("::1:6379", "host")]
    [InlineData("h:1,", "host")]
    [InlineData("h:1,db=x", "db")]
    [InlineData("h:1,db=-1", "db")]
    [InlineData("h:1,db=1.5", "db")]
    [InlineData("h:1,ssl=False", "ssl")]
    [InlineData("h:1,ssl=yes", "ssl")]
    [InlineData("h:1,ssl_cert_reqs=some", "ssl_cert_reqs")]
    [InlineData("h:1,socket_timeout=0", "socket_timeout")]
    [InlineData("h:1,socket_timeout=-1", "socket_timeout")]
    [InlineData("h:1,socket_timeout=1e99", "socket_timeout")]
    [InlineData("h:1,socket_timeout=soon", "socket_timeout")]
    [InlineData("h:1,sl=true", "sl")]
    [InlineData("h:1,=x", "unknown option")]
    public void Parse_WrongPiece_IsNamed(string text, string piece)
    {
        var error = Assert.Throws<OnlineStoreException>(() => RedisConnectionString.Parse(text));
        Assert.Contains(piece, error.Message, StringComparison.Ordinal);
        Assert.Contains("connection_string", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("h:1,password=secret,rest")]
    [InlineData("h:1,password=secret,rest=1")]
    [InlineData("h:1,password=secret,db=rest")]
    [InlineData("h:1,password=secret,ssl=rest")]
    [InlineData("h:1,password=secret,socket_timeout=rest")]
    [InlineData("h:1,password=secret,ssl_cert_reqs=rest")]
    public void Parse_WrongPieceNearAPassword_ShowsNeither(string text)
    {
        var error = Assert.Throws<OnlineStoreException>(() => RedisConnectionString.Parse(text));
        Assert.DoesNotContain("secret", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("rest", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ToString_OfAnyOfThem_HidesThePassword()
    {
        const string Text = "h:1,username=u,password=secret";
        Assert.DoesNotContain("secret", RedisConnectionString.Parse(Text).ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(
            "secret", new RedisOnlineStoreOptions(Text, RedisDeployment.Redis, "m", 1, false).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ParseType_Unknown_NamesTheThree()
    {
        Assert.Equal(RedisDeployment.RedisSentinel, RedisOnlineStoreOptions.ParseType("redis_sentinel"));
        var error = Assert.Throws<OnlineStoreException>(() => RedisOnlineStoreOptions.ParseType("valkey"));
        Assert.Contains("redis_cluster", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_RandomText_IsReadOrRefusedClearly()
    {
        const string Alphabet = "ab:=,[]\"\\{}0189.-e \tü\ud83d";
        for (var seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            var text = string.Concat(Enumerable.Range(0, random.Next(24)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            var error = Record.Exception(() => RedisConnectionString.Parse(text));
            Assert.True(error is null or OnlineStoreException, $"seed {seed}: {error}");
        }
    }
}
