using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.OfflineStore.Lake.Places.S3;
using FeatureStore.Tests.Servers.S3;

namespace FeatureStore.OfflineStore.Tests.Lake.Places;

/// <summary>The kinds of store that every table must be the same on.</summary>
public enum StoreKind
{
    Folder,
    S3,
    S3WithoutConditions,
}

/// <summary>A lake for one test, and the server behind it.</summary>
internal sealed class TestPlaces : IAsyncDisposable
{
    public const string Bucket = "transaction-data";
    private readonly string _folder = Directory.CreateTempSubdirectory("places").FullName;
    private readonly List<S3Connection> _connections = [];

    private TestPlaces(S3TestServer? server) => Server = server;

    public S3TestServer? Server { get; }

    public LakePlace Lake { get; private set; } = null!;

    public static async Task<TestPlaces> OpenAsync(StoreKind kind)
    {
        var places = new TestPlaces(kind == StoreKind.Folder ? null : await S3TestServer.StartAsync(Bucket, "transaction-data-user"));
        if (places.Server is { } server)
        {
            server.IsConditional = kind == StoreKind.S3;
        }

        places.Lake = places.Another();
        return places;
    }

    /// <summary>The same lake as another process sees it.</summary>
    public LakePlace Another(Func<S3Options, S3Options>? change = null, IReadOnlyDictionary<string, string>? locations = null)
    {
        if (Server is null)
        {
            return LakePlace.Open(Path.Combine(_folder, "lake"), null, locations ?? new Dictionary<string, string>());
        }

        var connection = S3Connection.Open(Options(change));
        _connections.Add(connection);
        return LakePlace.Open($"s3://{Bucket}/lake", connection, locations ?? new Dictionary<string, string>());
    }

    public S3Options Options(Func<S3Options, S3Options>? change = null)
    {
        var options = new S3Options(
            Server!.Endpoint, "us-east-1", S3TestServer.AccessKey, S3TestServer.SecretKey, PathStyle: true, ConditionalPut.Auto,
            Path.Combine(_folder, "cache"), 64L << 20, TimeSpan.FromSeconds(20), 6)
        { Pause = TimeSpan.FromMilliseconds(2) };
        return change is null ? options : change(options);
    }

    /// <summary>Makes a file older, as its store tells it.</summary>
    public void Age(string name, DateTimeOffset to)
    {
        if (Server is null)
        {
            File.SetLastWriteTimeUtc(Path.Combine(Lake.Address, name), to.UtcDateTime);
            return;
        }

        Server.Set(Bucket, $"lake/{name}", Server.Get(Bucket, $"lake/{name}"), to);
    }

    /// <summary>Files below the lake, hidden ones too.</summary>
    public IReadOnlyList<string> Names() => [.. Lake.AllNames().Order(StringComparer.Ordinal)];

    public void Write(string name, byte[]? bytes)
    {
        if (Server is not null)
        {
            Server.Set(Bucket, $"lake/{name}", bytes);
        }
        else if (bytes is null)
        {
            File.Delete(Path.Combine(Lake.Address, name));
        }
        else
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(Lake.Address, name))!);
            File.WriteAllBytes(Path.Combine(Lake.Address, name), bytes);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _connections.ForEach(c => c.Dispose());
        if (Server is not null)
        {
            await Server.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }
}
