using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace FeatureStore.Architecture.Tests;

/// <summary>Holds the drawing against what the compiler really wrote: a reference that came along with another one shows here.</summary>
public sealed class BuiltArrowTests
{
    // A room was built as this test was: bin/<configuration>/<framework>.
    private static readonly DirectoryInfo Own = new(AppContext.BaseDirectory);

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
        // Microsoft.Extensions comes with ASP.NET Core too, where it is no package.
        var foreign = References(room).Where(a => !a.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal)).Where(a => ArrowTests.HeavyPackages.Any(p => Assembly(p.Key) == a && !p.Value.Contains(room))).ToArray();
        Assert.True(foreign.Length == 0, $"{room} uses {string.Join(", ", foreign)}.");
    }

    [Fact]
    public void Assembly_OfARoomWithAPackage_IsSeenToUseIt() => Assert.Contains("CsvHelper", References("Ingest"));

    private static string? RoomOf(string assembly) =>
        assembly.StartsWith("FeatureStore.", StringComparison.Ordinal) ? assembly["FeatureStore.".Length..] : assembly == "fstore" ? "Cli" : null;

    private static string Assembly(string package) => package == "DuckDB.NET.Bindings.Full" ? "DuckDB.NET.Bindings" : package;

    private static string[] References(string room)
    {
        var name = room == "Cli" ? "fstore.dll" : $"FeatureStore.{room}.dll";
        var path = Path.Combine(Repository.Root, "src", room, "bin", Own.Parent!.Name, Own.Name, name);
        using var file = new PEReader(File.OpenRead(path));
        var metadata = file.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(r => metadata.GetString(metadata.GetAssemblyReference(r).Name))];
    }
}
