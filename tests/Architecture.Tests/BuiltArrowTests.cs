using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace FeatureStore.Architecture.Tests;

/// <summary>Holds the drawing against what the compiler really wrote: a reference that came along with another one shows here.</summary>
public sealed class BuiltArrowTests
{
    // The command's folder holds every room, built as this test was: bin/<configuration>/<framework>.
    private static readonly string Folder = Path.Combine(
        Repository.Root, "src", "Cli", "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, new DirectoryInfo(AppContext.BaseDirectory).Name);

    public static TheoryData<string> Rooms() => [.. ArrowTests.Allowed.Keys];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void Assembly_References_StayWithinTheDrawing(string room)
    {
        var references = References(room);
        Assert.NotEmpty(references);
        var foreign = references.Select(RoomOf).OfType<string>().Except(ArrowTests.Allowed[room]).ToArray();
        Assert.True(foreign.Length == 0, $"{room} uses {string.Join(", ", foreign)}.");
    }

    [Theory]
    [MemberData(nameof(Rooms))]
    public void Assembly_Packages_StayInTheirRooms(string room)
    {
        var foreign = References(room).Where(a => ArrowTests.HeavyPackages.Any(p => Assembly(p.Key) == a && !p.Value.Contains(room))).ToArray();
        Assert.True(foreign.Length == 0, $"{room} uses {string.Join(", ", foreign)}.");
    }

    [Fact]
    public void Assembly_OfARoomWithAPackage_IsSeenToUseIt() => Assert.Contains("CsvHelper", References("Ingest"));

    private static string? RoomOf(string assembly) =>
        assembly.StartsWith("FeatureStore.", StringComparison.Ordinal) ? assembly["FeatureStore.".Length..] : assembly == "fstore" ? "Cli" : null;

    private static string Assembly(string package) => package == "DuckDB.NET.Bindings.Full" ? "DuckDB.NET.Bindings" : package;

    private static string[] References(string room)
    {
        var path = Path.Combine(Folder, room == "Cli" ? "fstore.dll" : $"FeatureStore.{room}.dll");
        using var file = new PEReader(File.OpenRead(path));
        var metadata = file.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(r => metadata.GetString(metadata.GetAssemblyReference(r).Name))];
    }
}
