using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.Tests.Lake;

public sealed class SpillFoldersTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spill").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Next_SecondDatabaseOfAProcess_HasAFolderOfItsOwnBesideTheFirst()
    {
        var (one, other) = (SpillFolders.Next(_folder), SpillFolders.Next(_folder));
        Assert.NotEqual(one, other);
        Assert.Equal(Path.GetDirectoryName(one), Path.GetDirectoryName(other));
        Assert.Single(Directory.GetDirectories(_folder));
    }

    [Fact]
    public void Sweep_EndedProcessAndALivingOne_TakesOnlyWhatTheEndedOneLeft()
    {
        var living = Left("process-1");
        var ended = Left("process-2");
        var foreign = Directory.CreateDirectory(Path.Combine(_folder, "mine")).FullName;
        using (new FileStream(living + ".lock", FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            SpillFolders.Sweep(_folder);
        }

        Assert.True(Directory.Exists(living) && Directory.Exists(foreign));
        Assert.False(Directory.Exists(ended) || File.Exists(ended + ".lock"));
        SpillFolders.Sweep(_folder);
        Assert.False(Directory.Exists(living));
    }

    [Fact]
    public void Open_QueryBeyondItsMemory_SpillsThereAndCleansUp()
    {
        var options = new LakeOptions(64, 2, _folder);
        using (var database = LakeDatabase.Open(options))
        {
            using var connection = LakeDatabase.Connect(database, CancellationToken.None);
            using var reader = connection.Query("SELECT count(*) FROM (SELECT DISTINCT hash(i) AS h, i FROM range(3000000) t(i) ORDER BY h)");
            Assert.True(reader.NextChunk());
            Assert.Equal(3_000_000, reader.Int64(0, 0));
        }

        Assert.Empty(Directory.GetFiles(_folder, "*.tmp", SearchOption.AllDirectories));
    }

    private string Left(string name)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        File.WriteAllText(Path.Combine(folder, "duckdb_temp_storage.tmp"), "left");
        File.WriteAllText(folder + ".lock", string.Empty);
        return folder;
    }
}
