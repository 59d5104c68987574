using System.Xml.Linq;

namespace FeatureStore.Architecture.Tests;

/// <summary>Holds the drawing of the rooms against every project file: who may reference whom.</summary>
public sealed class ArrowTests
{
    private static readonly string[] AllRooms =
    [
        "Contract", "DuckDb", "GrpcHost", "Client", "Registry", "OnlineStore", "OfflineStore", "Ingest", "Jobs", "Serving", "Scoring", "Training", "Generator",
    ];

    internal static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Contract"] = [],
        ["DuckDb"] = [],
        ["GrpcHost"] = [],
        ["Generator"] = [],
        ["Client"] = ["Contract"],
        ["Registry"] = ["Contract"],
        ["OnlineStore"] = ["Contract"],
        ["OfflineStore"] = ["Contract", "Registry", "DuckDb"],
        ["Ingest"] = ["Contract", "Registry", "OfflineStore"],
        ["Jobs"] = ["Contract", "Registry", "OfflineStore", "OnlineStore"],
        ["Serving"] = ["Contract", "GrpcHost", "Registry", "OnlineStore"],
        ["Scoring"] = ["Contract", "Registry", "Serving"],
        ["Training"] = ["OfflineStore", "Scoring"],
        ["Cli"] = AllRooms,
    };

    internal static readonly Dictionary<string, string[]> HeavyPackages = new()
    {
        ["Google.Protobuf"] = ["Cli", "Contract", "GrpcHost", "Client", "Registry", "OnlineStore", "OfflineStore", "Jobs", "Serving", "Scoring"],
        ["AWSSDK.S3"] = ["OfflineStore"],
        ["DuckDB.NET.Bindings.Full"] = ["DuckDb"],
        ["StackExchange.Redis"] = ["OnlineStore"],
        ["Microsoft.Data.Sqlite"] = ["Registry", "OnlineStore", "Ingest", "Jobs"],
        ["Microsoft.ML"] = [],
        ["Microsoft.ML.OnnxConverter"] = [],
        ["Microsoft.ML.OnnxRuntime"] = ["Scoring"],
        ["Npgsql"] = ["Registry", "Ingest", "Jobs"],
        ["Quartz"] = ["Jobs"],
        ["YamlDotNet"] = ["Registry"],
        ["CsvHelper"] = ["Ingest"],
        ["Confluent.Kafka"] = ["Ingest"],
        ["librdkafka.redist"] = ["Ingest"],
        ["Grpc.AspNetCore.Server"] = ["GrpcHost", "Serving"],
        ["Grpc.HealthCheck"] = ["Serving"],
        ["Grpc.Reflection"] = ["Serving"],
        ["Grpc.StatusProto"] = ["Serving"],
        ["prometheus-net"] = ["Serving"],
        ["Grpc.Net.Client"] = ["Client"],
        ["Microsoft.Extensions.DependencyInjection.Abstractions"] = ["Client", "GrpcHost", "Serving"],
        ["Microsoft.Extensions.Logging.Abstractions"] = ["Client", "GrpcHost", "Serving"],
        ["System.CommandLine"] = ["Cli"],
        ["Spectre.Console"] = ["Cli"],
    };

    public static TheoryData<string> Projects()
    {
        var data = new TheoryData<string>();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories))
        {
            data.Add(Repository.Relative(file));
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_References_StayWithinTheDrawing(string csproj)
    {
        var room = Path.GetFileName(Path.GetDirectoryName(csproj))!;
        Assert.True(Allowed.ContainsKey(room), $"{csproj}: '{room}' is not a room of the drawing; add it with an ADR.");
        var references = Items(csproj, "ProjectReference").Select(p => Path.GetFileName(Path.GetDirectoryName(p.Replace('\\', '/')))!);
        var foreign = references.Except(Allowed[room]).ToArray();
        Assert.True(foreign.Length == 0, $"{csproj} may not reference {string.Join(", ", foreign)}.");
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_Packages_StayInTheirRooms(string csproj)
    {
        var room = Path.GetFileName(Path.GetDirectoryName(csproj))!;
        var foreign = Items(csproj, "PackageReference")
            .Where(p => HeavyPackages.TryGetValue(p, out var rooms) && !rooms.Contains(room))
            .ToArray();
        Assert.True(foreign.Length == 0, $"{csproj} may not carry {string.Join(", ", foreign)}.");
    }

    [Fact]
    public void Projects_OfTheDrawing_AllExist()
    {
        foreach (var room in Allowed.Keys)
        {
            Assert.True(
                File.Exists(Path.Combine(Repository.Root, "src", room, $"FeatureStore.{room}.csproj")),
                $"src/{room} is in the drawing and not in the tree.");
        }
    }

    private static IEnumerable<string> Items(string csproj, string kind) =>
        XDocument.Load(Path.Combine(Repository.Root, csproj)).Descendants(kind).Select(e => (string)e.Attribute("Include")!);
}
